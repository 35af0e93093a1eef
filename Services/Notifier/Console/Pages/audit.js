// Who did what to what, when, and how it went.

import { debounce, fill, h, icon, setText, button } from './dom.js';
import { get, withQuery } from './api.js';
import { exact, relative } from './clock.js';
import { learnName, workspaceLink } from './names.js';
import { emptyState, errorPanel } from './overlays.js';
import { pill } from './pill.js';
import { setParams } from './router.js';
import { PagedList } from './table.js';

const spans = [['', 'Any time'], ['3600', 'The last hour'], ['86400', 'The last day'], ['604800', 'The last week']];
const names = ['actor', 'action', 'target', 'result', 'within'];

export function auditScreen({ drawer }) {
  let params = new URLSearchParams();
  let isFirst = true;
  let opened = null;
  const heading = h('h1', { tabindex: '-1', id: 'audit-title' }, 'Audit');
  const summary = h('p', { class: 'summary', role: 'status' });
  const text = (name, label, hint, extra = {}) => h('input', { type: 'search', 'aria-label': label, placeholder: hint, autocomplete: 'off', spellcheck: 'false', oninput: debounce((event) => setParams({ [name]: event.target.value.trim() || null }), 300), ...extra });
  const fields = {
    action: text('action', 'Action', 'Action, such as pause', { 'data-search': true }),
    target: text('target', 'Target', 'Target id'),
    actor: h('select', { 'aria-label': 'Actor', onchange: () => setParams({ actor: fields.actor.value || null }) }, [['', 'Anybody'], ['admin', 'The admin token'], ['org', 'Organisation tokens'], ['open', 'Open development']].map(([value, label]) => h('option', { value }, label))),
    result: h('select', { 'aria-label': 'Result', onchange: () => setParams({ result: fields.result.value || null }) }, [['', 'Any result'], ['ok', 'Ok'], ['refused', 'Refused'], ['failed', 'Failed'], ['unknown', 'Unknown']].map(([value, label]) => h('option', { value }, label))),
    within: h('select', { 'aria-label': 'Time', onchange: () => setParams({ within: fields.within.value || null }) }, spans.map(([value, label]) => h('option', { value }, label))),
  };
  const download = h('a', { class: 'button', download: 'audit.csv', 'data-act': 'csv' }, icon('download'), h('span', null, 'Export as CSV'));
  const place = h('div', { class: 'table-place' });
  const table = document.createElement('data-table');
  const element = h('section', { class: 'screen', 'aria-labelledby': 'audit-title' }, h('header', { class: 'screen-head' }, h('div', { class: 'titles' }, heading, summary), h('div', { class: 'row-actions' }, download)), h('div', { class: 'toolbar' }, Object.values(fields)), place);

  table.configure({
    label: 'Audit entries', rowHeight: 42, phoneHeight: 88,
    columns: [
      { key: 'when', label: 'When', width: '120px', phone: 'meta', render: (entry) => relative(entry.at, 'ago', { tabindex: '-1' }) },
      { key: 'who', label: 'Who', width: 'minmax(150px, 1fr)', phone: 'meta', render: who },
      { key: 'action', label: 'Action', width: 'minmax(220px, 1.6fr)', phone: 'title', render: (entry) => h('span', { class: 'mono clip', title: entry.action }, entry.action) },
      { key: 'target', label: 'Target', width: 'minmax(140px, 1.2fr)', phone: 'sub', render: target },
      { key: 'result', label: 'Result', width: '150px', phone: 'side', render: (entry) => h('span', { class: 'line' }, pill(entry.result), entry.status && h('span', { class: 'sub' }, entry.status)) },
      { key: 'ip', label: 'From', width: '130px', render: (entry) => h('span', { class: 'faint' }, entry.client_ip ?? '') },
    ],
    open: (entry) => setParams({ open: entry.id }, { push: true }), nearEnd: () => list.more(),
  });
  place.append(table);

  function who(entry) {
    const label = { admin: 'admin token', org: entry.actor_name || 'organisation token', open: 'open development' }[entry.actor] ?? entry.actor;
    return h('span', { class: 'clip', dir: 'auto' }, label, entry.token_prefix && h('code', { class: 'sub' }, ` ${entry.token_prefix}…`), h('span', { class: 'sub' }, entry.via === 'console' ? ' here' : ''));
  }

  function target(entry) {
    if (!entry.target) return h('span', { class: 'faint' }, '–');
    if (!entry.action.includes('/workspaces/{') || !/^[0-9a-f-]{36}$/.test(entry.target)) return h('code', { class: 'clip', title: entry.target }, entry.target_name ?? entry.target);
    const link = workspaceLink(entry.target, entry.target_name);
    link.tabIndex = -1;
    return link;
  }

  function filter() {
    const seconds = Number(params.get('within'));
    return { actor: params.get('actor'), action: params.get('action'), target: params.get('target'), result: params.get('result'), since: params.get('since') ?? (seconds ? new Date(Date.now() - seconds * 1000).toISOString() : null), until: params.get('until') };
  }

  const list = new PagedList(async (cursor) => {
    const page = await get('/admin/audit', { ...filter(), limit: 100, cursor });
    for (const entry of page.entries) learnName(entry.target, entry.target_name);
    return { rows: page.entries, next: page.next_cursor, total: page.total };
  }, changed);

  function changed() {
    if (list.error && !list.rows.length) {
      fill(place, errorPanel('The audit log could not be read', list.error, () => list.reload()));
      setText(summary, '');
      return;
    }
    if (!table.isConnected) fill(place, table);
    table.rows = list.rows;
    setText(summary, list.summary('entry', 'entries'));
    fill(table.foot, !list.isLoading && !list.rows.length && (names.some((name) => params.get(name))
      ? emptyState('No entry matches.', 'Nobody did this in that time, or with that result.', button('Clear the filters', null, () => setParams(Object.fromEntries(names.map((name) => [name, null])))))
      : emptyState('Nothing was changed yet.', 'Everything that operators change is noted here, with its result.')));
    show();
  }

  function show() {
    const id = params.get('open');
    if (!id) {
      opened = null;
      drawer.hide();
      return;
    }
    const entry = list.rows.find((row) => String(row.id) === id);
    if (!entry || opened === id) return;
    opened = id;
    drawer.show('Audit entry', h('dl', { class: 'facts one' }, [['When', [relative(entry.at), ` (${exact(entry.at)})`]], ['Who', who(entry)], ['Through', entry.via === 'console' ? 'the console' : 'a token'], ['Action', h('code', null, entry.action)], ['Target', target(entry)], ['Result', [pill(entry.result), ' ', entry.status ?? 'the process ended before it answered']], ['Service', entry.service], ['Request', h('code', null, entry.request_id)], ['From', entry.client_ip]].map(([label, value]) => h('div', null, h('dt', null, label), h('dd', null, value)))), () => setParams({ open: null }));
  }

  return {
    element, heading, title: 'Audit',
    update(route) {
      const before = params;
      params = new URLSearchParams(route.params);
      for (const [name, control] of Object.entries(fields)) if (control.value.trim() !== (params.get(name) ?? '')) control.value = params.get(name) ?? '';
      download.setAttribute('href', withQuery('/admin/audit', { ...filter(), format: 'csv' }));
      if (isFirst || [...names, 'since', 'until'].some((name) => before.get(name) !== params.get(name))) {
        isFirst = false;
        void list.reload();
      } else show();
    },
    refresh: () => list.reload({ keep: true }),
    leave() {
      opened = null;
      list.stop();
    },
  };
}
