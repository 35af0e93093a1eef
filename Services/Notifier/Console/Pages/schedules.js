// All schedules of the fleet, those in trouble first; and those of one workspace.

import { button, debounce, fill, h, setText, throttle } from './dom.js';
import { canWrite, get, patch, post, remove } from './api.js';
import { exact, relative } from './clock.js';
import { milliseconds, plural } from './format.js';
import { learnName, workspaceLink } from './names.js';
import { attempt, confirmDialog, emptyState, errorPanel } from './overlays.js';
import { pill, statusShape, toneOf } from './pill.js';
import { setParams } from './router.js';
import { PagedList } from './table.js';
import { editSchedule } from './scheduleform.js';

const conditions = ['late', 'failing', 'stale', 'skipped', 'ok', 'paused'];
const explanations = { late: 'Its time has passed and it has not run', failing: 'Its last runs failed', stale: 'It has not been heard of', skipped: 'Its last run was skipped', ok: 'All is well', paused: 'It does not run until it is resumed' };

export function schedulesScreen({ drawer }) {
  const heading = h('h1', { tabindex: '-1', id: 'schedules-title' }, 'Schedules');
  const list = scheduleList({ drawer });
  const element = h('section', { class: 'screen', 'aria-labelledby': 'schedules-title' }, h('header', { class: 'screen-head' }, h('div', { class: 'titles' }, heading, list.summary), h('div', { class: 'row-actions' }, canWrite() && button('New schedule', 'plus', () => editSchedule({ done: list.refresh })))), list.element);
  return { ...list, element, heading, title: 'Schedules', update: (route) => list.update(route.params) };
}

export function schedulesTab({ id, drawer }) {
  const list = scheduleList({ drawer, workspaceID: id });
  const element = h('div', { class: 'tab-content fill' }, h('div', { class: 'toolbar' }, list.summary, h('span', { class: 'spacer' }), canWrite() && button('New schedule', 'plus', () => editSchedule({ workspaceID: id, done: list.refresh }))), list.element);
  return { ...list, element };
}

function scheduleList({ drawer, workspaceID = null }) {
  let params = new URLSearchParams();
  let opened = null;
  let isFirst = true;
  const summary = h('p', { class: 'summary', role: 'status' });
  const chips = h('div', { class: 'strip', role: 'group', 'aria-label': 'Filter by condition' });
  const search = h('input', { type: 'search', 'data-search': true, placeholder: 'Search name or workspace', 'aria-label': 'Search schedules', oninput: debounce(() => setParams({ q: search.value.trim() || null }), 250) });
  const place = h('div', { class: 'table-place' });
  const table = document.createElement('data-table');
  const element = h('div', { class: 'fill' }, chips, !workspaceID && h('div', { class: 'toolbar' }, search), place);

  table.configure({
    label: 'Schedules', rowHeight: 52, phoneHeight: 104,
    columns: [
      { key: 'condition', label: 'Condition', width: '108px', phone: 'side', render: (row) => h('span', { title: explanations[row.condition] }, pill(row.condition)) },
      { key: 'name', label: 'Schedule', width: 'minmax(160px, 1.5fr)', phone: 'title', render: (row) => h('div', { class: 'two-lines' }, h('span', { class: 'clip strong', dir: 'auto', title: row.name }, row.name || 'unnamed'), h('span', { class: 'sub clip', title: `${row.cron_expr} ${row.timezone}` }, `${row.sentence}, ${row.timezone}`)) },
      !workspaceID && { key: 'workspace', label: 'Workspace', width: 'minmax(120px, 1fr)', phone: 'sub', render: (row) => quiet(workspaceLink(row.workspace_id, row.workspace_name)) },
      { key: 'next', label: 'Next run', width: '140px', number: true, phone: 'meta', render: (row) => (row.enabled ? relative(row.next_run_at, 'until', { tabindex: '-1' }) : null) ?? h('span', { class: 'faint' }, 'paused') },
      { key: 'last', label: 'Last outcome', width: 'minmax(150px, 1.1fr)', render: lastCell },
      { key: 'runs', label: 'Last 20 runs', width: '176px', phone: 'meta', render: (row) => strip(row.runs) },
      canWrite() && { key: 'actions', label: 'Actions', width: '190px', render: actionCell },
    ].filter(Boolean),
    open: (row) => setParams({ open: row.id }, { push: true }), nearEnd: () => list.more(),
  });
  place.append(table);

  const list = new PagedList(async (cursor) => {
    const page = await get('/admin/schedules', { condition: params.get('condition'), workspace_id: workspaceID ?? params.get('workspace_id'), q: params.get('q'), limit: 100, cursor });
    for (const row of page.schedules) learnName(row.workspace_id, row.workspace_name);
    return { rows: page.schedules, total: page.total, next: page.next_cursor };
  }, changed);

  const quiet = (link) => {
    link.tabIndex = -1;
    return link;
  };

  function lastCell(row) {
    if (!row.last_run_at) return h('span', { class: 'faint' }, 'not run yet');
    return h('div', { class: 'two-lines' }, h('span', { class: 'line' }, pill(row.last_status ?? 'unknown'), ' ', relative(row.last_run_at, 'ago', { tabindex: '-1', short: true })), row.last_error && h('span', { class: 'sub bad-text clip', dir: 'auto', title: row.last_error }, row.last_error));
  }

  function actionCell(row) {
    return h('div', { class: 'row-actions tight' },
      button('Run now', 'play', () => run(row), { class: 'button quiet small', 'data-act': 'run' }),
      row.enabled ? button('Pause', 'pause', () => enable(row, false), { class: 'button quiet small' }) : button('Resume', 'play', () => enable(row, true), { class: 'button quiet small' }));
  }

  async function run(row) {
    await attempt(`${row.name || 'The schedule'} was not run`, () => post(`/workspaces/${row.workspace_id}/schedules/${row.id}/run`), `${row.name || 'The schedule'}: its message is in the queue.`);
    void list.reload({ keep: true });
  }

  async function enable(row, isEnabled) {
    await attempt(`${row.name || 'The schedule'} was not changed`, () => patch(`/workspaces/${row.workspace_id}/schedules/${row.id}`, { enabled: isEnabled }), `${isEnabled ? 'Resumed' : 'Paused'}: ${row.name || 'the schedule'}.`);
    await list.reload({ keep: true });
  }

  async function discard(row) {
    if (!(await confirmDialog({ title: 'Delete this schedule?', body: h('p', null, h('strong', { dir: 'auto' }, row.name || 'unnamed'), ': it never runs again, and what it fired that still waits is dropped.'), action: 'Delete', danger: true }))) return;
    if (await attempt('The schedule was not deleted', () => remove(`/workspaces/${row.workspace_id}/schedules/${row.id}`), 'The schedule was deleted.')) setParams({ open: null });
    void list.reload({ keep: true });
  }

  function changed() {
    if (list.error && !list.rows.length) {
      fill(place, errorPanel('The schedules could not be read', list.error, () => list.reload()));
      setText(summary, '');
      return;
    }
    if (!table.isConnected) fill(place, table);
    table.rows = list.rows;
    setText(summary, list.summary('schedule'));
    fill(table.foot, list.isLoading && !list.rows.length ? h('p', { class: 'loading' }, 'Loading…') : !list.rows.length && (params.get('condition') || params.get('q')
      ? emptyState('No schedule matches.', 'None has this condition or text.', button('Clear the filters', null, () => setParams({ condition: null, q: null })))
      : emptyState('There is no schedule yet.', 'A schedule sends an agent the same message again and again, such as every morning.', canWrite() && button('New schedule', 'plus', () => editSchedule({ workspaceID, done: list.reload.bind(list) })))));
    showOpened();
  }

  function showOpened() {
    const id = params.get('open');
    if (!id) {
      if (opened) drawer.hide();
      opened = null;
      return;
    }
    const row = list.rows.find((one) => one.id === id);
    if (!row) {
      if (!list.isLoading && list.next) void list.more();
      return;
    }
    const content = details(row);
    if (opened === id && !drawer.hidden) {
      if (!drawer.querySelector('.drawer-body')?.contains(document.activeElement)) drawer.update(content);
    } else drawer.show(row.name || 'Schedule', content, () => setParams({ open: null }));
    opened = id;
  }

  function details(row) {
    return h('div', { class: 'details' }, h('div', { class: 'detail-line' }, pill(row.condition), h('span', { class: 'hint' }, explanations[row.condition])),
      canWrite() && h('div', { class: 'row-actions' }, button('Run now', 'play', () => run(row), { class: 'button primary', 'data-act': 'run' }), button(row.enabled ? 'Pause' : 'Resume', row.enabled ? 'pause' : 'play', () => enable(row, !row.enabled)), button('Edit', 'edit', () => editSchedule({ schedule: row, done: () => list.reload({ keep: true }) })), button('Delete', 'trash', () => discard(row), { class: 'button danger-quiet' })),
      row.last_error && h('div', { class: 'notice warn' }, h('p', { dir: 'auto' }, row.last_error)),
      h('dl', { class: 'facts one' }, [['When', row.sentence], ['Expression', h('code', null, row.cron_expr)], ['Zone', row.timezone], ['Workspace', workspaceLink(row.workspace_id, row.workspace_name)], ['Next run', row.enabled && row.next_run_at ? [relative(row.next_run_at, 'until'), ` (${exact(row.next_run_at)})`] : 'none while it is paused'], ['Runs so far', row.run_count], ['While the run before goes on', row.overlap === 'skip' ? 'skip' : 'queue'], ['Runs missed', row.missed === 'once' ? 'made up for once' : 'left out']].map(([label, value]) => h('div', null, h('dt', null, label), h('dd', null, value)))),
      h('h3', null, 'What the agent is told'), h('p', { class: 'pre', dir: 'auto' }, row.prompt),
      h('h3', null, `Last ${plural(row.runs.length, 'run')}`), row.runs.length ? h('ol', { class: 'timeline' }, row.runs.map((run_) => h('li', null, statusShape(run_.status), h('div', null, h('p', null, run_.status, ' ', h('span', { class: 'sub' }, relative(run_.at), run_.duration_ms !== null && `, took ${milliseconds(run_.duration_ms)}`)), run_.error && h('p', { class: 'sub bad-text', dir: 'auto' }, run_.error))))) : h('p', { class: 'hint' }, 'It has not run yet.'));
  }

  function drawChips() {
    const chosen = new Set((params.get('condition') ?? '').split(',').filter(Boolean));
    const held = chips.contains(document.activeElement) ? [...chips.children].indexOf(document.activeElement) : -1;
    fill(chips, h('button', { type: 'button', class: 'chip', 'aria-pressed': String(!chosen.size), onclick: () => setParams({ condition: null }, { push: true }) }, 'all'), conditions.map((condition) => h('button', {
      type: 'button', class: 'chip', title: explanations[condition], 'aria-pressed': String(chosen.has(condition)),
      onclick: () => {
        if (chosen.has(condition)) chosen.delete(condition);
        else chosen.add(condition);
        setParams({ condition: [...chosen].join(',') || null }, { push: true });
      },
    }, statusShape(condition), condition)));
    if (held >= 0) chips.children[held]?.focus();
  }

  const reloadSoon = throttle(() => list.reload({ keep: true }), 2500);
  return {
    element, summary,
    refresh: () => list.reload({ keep: true }),
    update(now) {
      const before = params;
      params = new URLSearchParams(now);
      if (search.value.trim() !== (params.get('q') ?? '')) search.value = params.get('q') ?? '';
      drawChips();
      if (isFirst || ['condition', 'q', 'workspace_id'].some((name) => before.get(name) !== params.get(name))) {
        isFirst = false;
        void list.reload();
      } else showOpened();
    },
    events: (batch) => batch.some((event) => event.type.startsWith('CRON_') && (!workspaceID || event.workspace_id === workspaceID)) && reloadSoon(),
    leave() {
      opened = null;
      list.stop();
    },
  };
}

/** The last runs, oldest at the left; each says its outcome by height and colour, and all of them in words. */
function strip(runs) {
  if (!runs.length) return h('span', { class: 'faint' }, 'no runs');
  const counts = {};
  for (const run of runs) counts[run.status] = (counts[run.status] ?? 0) + 1;
  const words = Object.entries(counts).map(([status, number]) => `${number} ${status}`).join(', ');
  return h('span', { class: 'runs', role: 'img', 'aria-label': `${plural(runs.length, 'run')}: ${words}` }, [...runs].reverse().map((run) => h('span', { class: `run ${toneOf(run.status)} ${run.status}`, title: `${run.status}, ${exact(run.at)}${run.duration_ms === null ? '' : `, ${milliseconds(run.duration_ms)}`}${run.error ? `: ${run.error}` : ''}` })));
}
