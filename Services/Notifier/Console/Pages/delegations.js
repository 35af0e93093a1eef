// The delegations of a workspace, given and taken, with their answers.

import { fill, h, throttle } from './dom.js';
import { canWrite, get, post } from './api.js';
import { relative } from './clock.js';
import { plural } from './format.js';
import { workspaceLink } from './names.js';
import { attempt, confirmDialog, emptyState, errorPanel } from './overlays.js';
import { pill } from './pill.js';
import { richText } from './richtext.js';
import { button } from './dom.js';

export function delegationsTab({ id, drawer }) {
  const summary = h('p', { class: 'hint', role: 'status' }, 'Loading…');
  const body = h('div');
  const element = h('div', { class: 'tab-content' }, summary, body);

  async function load() {
    let entries;
    try {
      entries = await get(`/workspaces/${id}/delegations`);
    } catch (error) {
      fill(body, errorPanel('The delegations could not be read', error, load));
      fill(summary);
      return;
    }
    const found = merge(entries);
    fill(summary, found.length ? `The newest ${plural(found.length, 'delegation')}` : '');
    if (!found.length) {
      fill(body, emptyState('No delegation yet.', 'When this agent hands work to another one, or takes some, it is listed here with its answer.'));
      return;
    }
    fill(body, section('Given to others', found.filter((entry) => entry.source_id === id)), section('Taken from others', found.filter((entry) => entry.source_id !== id)));
  }

  function section(label, entries) {
    return h('section', { class: 'block' }, h('h2', null, `${label} (${entries.length})`), entries.length
      ? h('div', { class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': label }, h('table', { class: 'simple' },
        h('thead', null, h('tr', null, ['Status', 'Other side', 'Task and answer', 'When', ''].map((name) => h('th', { scope: 'col' }, name || h('span', { class: 'visually-hidden' }, 'Actions'))))),
        h('tbody', null, entries.map((entry) => row(entry)))))
      : h('p', { class: 'hint' }, 'None.'));
  }

  function row(entry) {
    const other = entry.source_id === id ? entry.target_id : entry.source_id;
    const answer = entry.error || entry.response_preview;
    return h('tr', { 'data-delegation': entry.delegation_id ?? entry.id },
      h('td', null, pill(entry.status)), h('td', null, workspaceLink(other)),
      h('td', { class: 'wide' }, h('p', { dir: 'auto' }, entry.summary), answer && h('p', { class: `sub clip-2 ${entry.error ? 'bad-text' : ''}`, dir: 'auto' }, answer)),
      h('td', { class: 'nowrap' }, relative(entry.created_at)),
      h('td', { class: 'nowrap' }, button('Show', null, () => show(entry), { class: 'button quiet small' }), canWrite() && entry.source_id === id && entry.status === 'queued' && button('Cancel', null, () => cancel(entry), { class: 'button quiet small' })));
  }

  async function show(entry) {
    let full;
    try {
      full = await get(`/workspaces/${entry.source_id}/delegations/${entry.delegation_id}`);
    } catch (error) {
      drawer.show('Delegation', errorPanel('The delegation could not be read', error), () => drawer.hide());
      return;
    }
    drawer.show('Delegation', [
      h('dl', { class: 'facts one' }, [['Status', pill(full.status)], ['From', workspaceLink(full.source_id)], ['To', workspaceLink(full.target_id)], ['Begun', relative(full.created_at)], ['Ended', relative(full.completed_at)]].filter(([, value]) => value).map(([label, value]) => h('div', null, h('dt', null, label), h('dd', null, value)))),
      h('h3', null, 'Task'), richText(full.task),
      full.error && [h('h3', null, 'Error'), h('p', { class: 'bad-text', dir: 'auto' }, full.error)],
      (full.response ?? full.response_preview) && [h('h3', null, 'Answer'), richText(full.response ?? full.response_preview)],
    ], () => drawer.hide());
  }

  async function cancel(entry) {
    if (!(await confirmDialog({ title: 'Cancel this delegation?', body: h('p', null, 'Its message is taken out of the queue, and the delegation fails.'), action: 'Cancel it', danger: true }))) return;
    await attempt('The delegation could not be cancelled', () => post(`/workspaces/${id}/delegations/${entry.delegation_id}/cancel`), 'The delegation was cancelled.');
    void load();
  }

  const loadSoon = throttle(load, 1500);
  void load();
  return {
    element, refresh: load,
    events: (batch) => batch.some((event) => event.type.startsWith('DELEGATION_') && (event.workspace_id === id || event.data?.target_id === id)) && loadSoon(),
  };
}

/** Request and result of one delegation are two entries of one id; they are shown as one. */
function merge(entries) {
  const found = new Map();
  for (const entry of entries) {
    const key = entry.delegation_id ?? entry.id;
    const known = found.get(key);
    if (!known) found.set(key, { ...entry, delegation_id: key });
    else Object.assign(known, { summary: `${entry.summary}`, created_at: entry.created_at });
  }
  return [...found.values()];
}
