// Search and commands on Ctrl/Cmd+K: workspaces by name or id, every action on them, and the places of the console.

import { debounce, fill, h, icon } from './dom.js';
import { canWrite, get } from './api.js';
import { actionsFor, actOn } from './actions.js';
import { learnName } from './names.js';
import { openDialog } from './overlays.js';
import { pill } from './pill.js';
import { href } from './router.js';
import { editSchedule } from './scheduleform.js';

const tabs = [['chat', 'Chat', 'messages'], ['activity', 'Activity', 'events'], ['queue', 'Queue', 'messages'], ['delegations', 'Delegations', 'right'], ['schedules', 'Schedules', 'schedules'], ['access', 'Access', 'settings']];

/** Opens it; what was chosen runs when it has closed. */
export async function openPalette(commands) {
  const chosen = await openDialog('Search and commands', (close) => {
    let entries = [];
    let active = 0;
    let chosenWorkspace = null;
    let turn = 0;
    const list = h('ul', { id: 'palette-list', role: 'listbox', 'aria-label': 'Results' });
    const input = h('input', { type: 'text', role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'palette-list', 'aria-autocomplete': 'list', 'aria-label': 'A workspace’s name or id, or a command', placeholder: 'A workspace’s name or id, or a command', autofocus: true, autocomplete: 'off', spellcheck: 'false' });
    const hint = h('p.hint.palette-hint');

    const draw = () => {
      active = Math.max(0, Math.min(active, entries.length - 1));
      fill(list, entries.map((entry, place) => h('li', { role: 'option', id: `palette-${place}`, 'aria-selected': place === active ? 'true' : 'false', class: entry.danger ? 'danger-entry' : '', onclick: () => choose(entry), onmousemove: () => place !== active && move(place) },
        icon(entry.icon), h('span.clip', entry.label), entry.status && pill(entry.status), entry.note && h('span.sub', entry.note))));
      if (!entries.length) fill(list, h('li.none', { role: 'option', 'aria-selected': 'false', 'aria-disabled': 'true' }, 'Nothing matches. Try a part of the name, or the first characters of the id.'));
      input.setAttribute('aria-activedescendant', entries.length ? `palette-${active}` : '');
      list.children[active]?.scrollIntoView({ block: 'nearest' });
      fill(hint, chosenWorkspace ? 'Enter to do it · Backspace to go back' : '↑ ↓ to move · Enter to open · → for what can be done with a workspace');
    };
    const move = (place) => {
      list.children[active]?.setAttribute('aria-selected', 'false');
      active = place;
      list.children[active]?.setAttribute('aria-selected', 'true');
      input.setAttribute('aria-activedescendant', `palette-${active}`);
    };
    const choose = (entry) => entry && close(entry.run);
    const openActions = (workspace) => {
      chosenWorkspace = workspace;
      turn++;
      input.value = '';
      active = 0;
      showActions();
    };
    const showActions = () => {
      const text = input.value.toLowerCase();
      const go = (tab) => () => (location.hash = href('workspace', chosenWorkspace.id, { tab }));
      const workspace = chosenWorkspace;
      entries = [
        ...tabs.map(([tab, label, iconName]) => ({ label: `${workspace.name}: ${label}`, icon: iconName, run: go(tab) })),
        ...actionsFor(workspace).map((action) => ({ label: `${action.label} ${workspace.name}`, icon: action.icon, danger: action.danger, run: () => actOn(workspace, action) })),
        canWrite() && { label: `New schedule for ${workspace.name}`, icon: 'plus', run: () => editSchedule({ workspaceID: workspace.id }) },
      ].filter((entry) => entry && entry.label.toLowerCase().includes(text));
      draw();
    };
    const search = async () => {
      if (chosenWorkspace) return showActions();
      const text = input.value.trim();
      const mine = ++turn;
      const matching = commands.filter((command) => command.label.toLowerCase().includes(text.toLowerCase()));
      let workspaces = [];
      try {
        ({ workspaces } = await get('/admin/workspaces', { q: text, limit: 8, sort: 'name' }, { quiet: true }));
      } catch { /* the commands are there all the same */ }
      if (mine !== turn) return undefined;
      for (const workspace of workspaces) learnName(workspace.id, workspace.name);
      const found = workspaces.map((workspace) => ({ label: workspace.name, icon: 'agent', status: workspace.status, note: workspace.role, workspace, run: () => (location.hash = href('workspace', workspace.id)) }));
      entries = text ? [...found, ...matching] : [...matching, ...found];
      return draw();
    };
    const searchSoon = debounce(search, 120);
    input.addEventListener('input', () => {
      active = 0;
      if (chosenWorkspace) showActions();
      else searchSoon();
    });
    input.addEventListener('keydown', (event) => {
      const entry = entries[active];
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        active = entries.length ? (active + step + entries.length) % entries.length : 0;
        draw();
      } else if (event.key === 'Enter') choose(entry);
      else if (event.key === 'ArrowRight' && entry?.workspace && input.selectionStart === input.value.length) openActions(entry.workspace);
      else if (event.key === 'Backspace' && chosenWorkspace && !input.value) {
        chosenWorkspace = null;
        void search();
      } else return;
      event.preventDefault();
    });
    entries = commands;
    draw();
    void search();
    return h('div.palette', input, list, hint);
  }, { wide: false });
  if (typeof chosen === 'function') chosen();
}
