// Search and commands on Ctrl/Cmd+K.

import {canWrite, debounce, fill, h, icon, navigate, openDialog, peek, pill, textInput, title} from './kit.js';
import {actionsFor, actOn} from './actions.js';
import {tabs} from './workspace.js';
import {editSchedule} from './forms.js';

const hint = 'A workspace’s name or id, or a command';

export async function openPalette(commands) {
	const chosen = await openDialog('Search and commands', (close) => {
		let entries = commands;
		let active = 0;
		let turn = 0;
		const list = h('ul', {id: 'palette-list', role: 'listbox', 'aria-label': 'Results'});
		const input = textInput({role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'palette-list', 'aria-autocomplete': 'list', 'aria-label': hint, placeholder: hint, autofocus: true, oninput: typed, onkeydown(event) {
			const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
			if (step && entries.length) move((active + step + entries.length) % entries.length);
			else if (event.key === 'Enter' && entries[active]) close(entries[active].run);
			else return;
			event.preventDefault();
		}});

		function move(place) {
			list.children[active]?.setAttribute('aria-selected', 'false');
			active = place;
			list.children[active]?.setAttribute('aria-selected', 'true');
			list.children[active]?.scrollIntoView({block: 'nearest'});
			input.setAttribute('aria-activedescendant', `palette-${active}`);
		}

		function draw() {
			fill(list, entries.map((entry, place) => h('li', {role: 'option', id: `palette-${place}`, class: entry.danger ? 'bad-text' : '', 'aria-selected': 'false', onclick: () => close(entry.run), onmousemove: () => place !== active && move(place)},
				icon(entry.icon), h('span.clip', entry.label), entry.status && pill(entry.status), h('span.sub', entry.note))),
			!entries.length && h('li.faint', {role: 'option', 'aria-selected': 'false', 'aria-disabled': 'true'}, 'Nothing matches. Try a part of the name, or the first characters of the id.'));
			move(0);
		}

		const searchSoon = debounce(search, 120);
		const matching = () => commands.filter((command) => command.label.toLowerCase().includes(input.value.trim().toLowerCase()));

		/** What was found for another text must not be done now. */
		function typed() {
			turn++;
			entries = matching();
			draw();
			searchSoon();
		}

		const actions = (workspace) => [
			...Object.keys(tabs).map((tab) => ({label: `${workspace.name}: ${title(tab)}`, icon: 'right', run: () => navigate('workspace', workspace.id, {tab})})),
			...actionsFor(workspace).map((action) => ({label: `${action.label} ${workspace.name}`, icon: action.icon, danger: action.danger, run: () => actOn(workspace, action)})),
			...(canWrite() ? [{label: `New schedule for ${workspace.name}`, icon: 'plus', run: () => editSchedule({workspaceID: workspace.id})}] : []),
		];

		async function search() {
			const text = input.value.trim();
			const mine = ++turn;
			let workspaces = [];
			try {
				({workspaces} = await peek('/admin/workspaces', {q: text, limit: 8, sort: 'name'}));
			} catch { /* the commands are there all the same */ }
			if (mine !== turn) return;
			const found = workspaces.map((workspace) => ({label: workspace.name, icon: 'agent', status: workspace.status, note: workspace.role, run: () => navigate('workspace', workspace.id)}));
			const isOne = text && (workspaces.length === 1 || workspaces[0]?.name.toLowerCase() === text.toLowerCase());
			entries = text ? [...found.slice(0, 1), ...(isOne ? actions(workspaces[0]) : []), ...found.slice(1), ...matching()] : [...matching(), ...found];
			draw();
		}

		draw();
		void search();
		return h('div.palette', input, list, h('p.hint', 'Type a whole name or id for what can be done with it.'));
	});
	if (typeof chosen === 'function') chosen();
}
