// The fleet: counts that are filters, and a table that is the tree.

import { append, button, debounce, fill, h, icon, iconButton, setText, throttle } from './dom.js';
import { canWrite, get } from './api.js';
import { actOnMany, createWorkspace, lifecycle } from './actions.js';
import { now, relative } from './clock.js';
import { cents, count, plural, shortDuration, words } from './format.js';
import { learnName, nameOf } from './names.js';
import { emptyState, errorPanel } from './overlays.js';
import { pill, statusShape } from './pill.js';
import { currentRoute, href, navigate, setParams } from './router.js';
import { PagedList } from './table.js';
import { pushed } from './pushes.js';
import { overview } from './overview.js';

/** Up to this many are read at once and shown as a tree; larger fleets come by pages, in the server's order. */
const treeLimit = 2000;
const pageSize = 500;
const statuses = ['online', 'degraded', 'failed', 'offline', 'provisioning', 'awaiting_agent', 'paused', 'hibernating', 'hibernated'];
/** What the reason is told for. */
const explained = new Set(['degraded', 'failed', 'offline']);

const statusEvents = {
  WORKSPACE_ONLINE: 'online', WORKSPACE_DEGRADED: 'degraded', WORKSPACE_OFFLINE: 'offline', WORKSPACE_PROVISIONING: 'provisioning',
  WORKSPACE_PROVISION_FAILED: 'failed', WORKSPACE_AWAITING_AGENT: 'awaiting_agent', WORKSPACE_PAUSED: 'paused', WORKSPACE_HIBERNATED: 'hibernated', WORKSPACE_REMOVED: 'removed',
};

/** Applies an event to a workspace that is shown. Answers whether it is one that changes it. */
export function applyToWorkspace(workspace, event) {
  const { type, data, timestamp } = event;
  if (type === 'WORKSPACE_HEARTBEAT') {
    const at = new Date(timestamp).toISOString();
    Object.assign(workspace, { active_tasks: data.active_tasks, max_concurrent_tasks: data.max_concurrent_tasks, uptime_seconds: data.uptime_seconds, last_heartbeat_at: at });
    if (data.active_tasks === 0) workspace.current_task = '';
    return true;
  }
  if (type === 'TASK_UPDATED') {
    Object.assign(workspace, { current_task: data.current_task, active_tasks: data.active_tasks });
    return true;
  }
  if (type in statusEvents) {
    workspace.status = statusEvents[type];
    workspace.status_reason = data.sample_error || data.error || data.reason || null;
    if (type === 'WORKSPACE_ONLINE') workspace.last_sample_error = '';
    return true;
  }
  if (type === 'A2A_QUEUED') {
    workspace.queue_depth = data.queue_depth;
    return true;
  }
  return false;
}

/** Why a workspace is in its status, where that needs saying. */
export const reasonOf = (workspace) => (explained.has(workspace.status) ? workspace.status_reason || workspace.last_sample_error || '' : '');

export function fleetScreen() {
  const collapsed = new Set();
  const byID = new Map();
  const dirty = new Set();
  let params = new URLSearchParams();
  let visible = [];

  const heading = h('h1', { tabindex: '-1' }, 'Fleet');
  const summary = h('p', { class: 'summary', role: 'status' });
  const attention = h('div', { class: 'attention' });
  const strip = h('div', { class: 'strip', role: 'group', 'aria-label': 'Filter by status' });
  const search = h('input', { type: 'search', placeholder: 'Search name, role or id', 'aria-label': 'Search the fleet', 'data-search': true, oninput: debounce(() => setParams({ q: search.value.trim() || null }), 250) });
  const runtime = h('select', { 'aria-label': 'Runtime', onchange: () => setParams({ runtime: runtime.value || null }) }, h('option', { value: '' }, 'Any runtime'));
  const flat = h('button', { type: 'button', class: 'button quiet', 'aria-pressed': 'false', onclick: () => setParams({ flat: !isFlat() }) }, 'Flat list');
  const fold = button('Collapse all', null, () => {
    const parents = visible.filter((entry) => entry.children > 0);
    if (collapsed.size) collapsed.clear();
    else for (const entry of parents) collapsed.add(entry.id);
    arrange();
  }, { class: 'button quiet' });
  const inside = h('span', { class: 'filter-note' });
  const bulk = h('div', { class: 'bulk', hidden: true, role: 'region', 'aria-label': 'Actions on the selection' });
  const body = h('div', { class: 'table-place' });
  const table = document.createElement('data-table');
  const element = h('section', { class: 'screen', 'aria-labelledby': 'fleet-title' },
    h('header', { class: 'screen-head' }, append(h('div', { class: 'titles' }), [heading, summary]), h('div', { class: 'row-actions' }, canWrite() && button('New workspace', 'plus', createWorkspace))),
    attention, strip,
    h('div', { class: 'toolbar' }, search, runtime, inside, h('span', { class: 'spacer' }), fold, flat, canWrite() && button('Act on all that match…', null, () => actOnFilter(), { class: 'button quiet', 'data-filter-action': true })),
    bulk, body);
  heading.id = 'fleet-title';

  const columns = [
    { key: 'name', label: 'Name', width: 'minmax(220px, 2.2fr)', sort: 'name', phone: 'title', render: nameCell },
    { key: 'status', label: 'Status', width: 'minmax(130px, 1.3fr)', sort: 'status', phone: 'side', render: statusCell },
    { key: 'role', label: 'Role', width: 'minmax(110px, 1.2fr)', sort: 'role', render: ({ row }) => clipped(row.role ?? '') },
    { key: 'runtime', label: 'Runtime', width: '104px', sort: 'runtime', render: ({ row }) => row.runtime },
    { key: 'task', label: 'Current task', width: 'minmax(120px, 1.5fr)', phone: 'sub', render: ({ row }) => clipped(row.current_task || (row.active_tasks ? 'Working' : '')) },
    { key: 'load', label: 'Load', width: '64px', sort: 'active_tasks', number: true, render: loadCell },
    { key: 'queue', label: 'Queue', width: '92px', sort: 'queue_depth', number: true, phone: 'meta', render: queueCell },
    { key: 'heartbeat', label: 'Heartbeat', width: '112px', sort: 'last_heartbeat_at', number: true, phone: 'meta', render: ({ row }) => relative(row.last_heartbeat_at, 'ago', { tabindex: '-1' }) ?? 'never' },
    { key: 'spend', label: 'Spend', width: '132px', sort: 'monthly_spend', number: true, render: spendCell },
  ];
  table.configure({
    label: 'Workspaces', columns, key: (entry) => entry.id, rowHeight: 46, phoneHeight: 92, selectable: canWrite(),
    open: (entry) => navigate('workspace', entry.id), level: (entry) => entry.level, expanded: (entry) => (entry.children ? !collapsed.has(entry.id) : undefined),
    toggle, select: showBulk, sorted: (key, order) => setParams({ sort: key === 'name' && order === 'asc' ? null : key, order: order === 'asc' ? null : order }),
    nearEnd: () => list.total > treeLimit && list.more(), rowClass: (entry) => (entry.isContext ? 'context' : ''),
  });
  body.append(table);

  const list = new PagedList(async (cursor) => {
    const page = await get('/admin/workspaces', { ...filter(), sort: params.get('sort') ?? 'name', order: params.get('order') ?? 'asc', limit: pageSize, cursor });
    for (const workspace of page.workspaces) learnName(workspace.id, workspace.name);
    return { rows: page.workspaces, total: page.total, next: page.next_cursor };
  }, changed);

  function filter() {
    return { status: params.get('status'), q: params.get('q'), runtime: params.get('runtime'), parent_id: params.get('parent_id') };
  }

  const isFiltered = () => Object.values(filter()).some(Boolean);
  const isFlat = () => params.get('flat') === '1' || list.total > treeLimit;

  function changed() {
    if (list.error && !list.rows.length) {
      fill(body, errorPanel('The fleet could not be read', list.error, () => list.reload()));
      setText(summary, '');
      return;
    }
    if (!table.isConnected) fill(body, table);
    byID.clear();
    for (const workspace of list.rows) byID.set(workspace.id, workspace);
    setText(summary, list.summary('workspace'));
    for (const name of new Set(list.rows.map((row) => row.runtime))) {
      if (![...runtime.options].some((option) => option.value === name)) runtime.append(h('option', { value: name }, name));
    }
    runtime.value = params.get('runtime') ?? '';
    arrange();
    if (list.next && list.total <= treeLimit) void list.more();
    if (!list.isLoading && !list.rows.length) fill(table.foot, empty());
    else fill(table.foot, list.isLoading && h('p', { class: 'loading' }, 'Loading…'), list.error && errorPanel('The next page could not be read', list.error, () => list.more()));
  }

  function empty() {
    if (isFiltered()) return emptyState('No workspace matches.', 'Nothing in the fleet has this status, text or place. Take a filter away to see more.', button('Clear the filters', null, () => setParams({ status: null, q: null, runtime: null, parent_id: null })));
    return emptyState('There is no workspace yet.', 'A workspace appears here when you create it, or when an agent registers.', canWrite() && button('New workspace', 'plus', createWorkspace));
  }

  /** Puts the rows in the order of the tree: a row stands below the nearest of its ancestors that is shown. */
  function arrange() {
    if (isFlat()) {
      visible = list.rows.map((row) => ({ id: row.id, row, level: 0, children: 0 }));
    } else {
      const children = new Map();
      for (const row of list.rows) {
        const parent = [...(row.path ?? [])].reverse().find((id) => byID.has(id)) ?? null;
        if (!children.has(parent)) children.set(parent, []);
        children.get(parent).push(row);
      }
      visible = [];
      const walk = (parent, level) => {
        for (const row of children.get(parent) ?? []) {
          visible.push({ id: row.id, row, level, children: children.get(row.id)?.length ?? 0 });
          if (!collapsed.has(row.id)) walk(row.id, level + 1);
        }
      };
      walk(null, 0);
    }
    table.rows = visible;
    setText(fold.lastChild, collapsed.size ? 'Expand all' : 'Collapse all');
    fold.hidden = isFlat() || (!collapsed.size && !visible.some((entry) => entry.children));
    flat.hidden = list.total > treeLimit;
    flat.setAttribute('aria-pressed', isFlat());
  }

  function toggle(entry) {
    if (collapsed.has(entry.id)) collapsed.delete(entry.id);
    else collapsed.add(entry.id);
    arrange();
  }

  function nameCell(entry) {
    const { row } = entry;
    const isOpen = !collapsed.has(row.id);
    const news = pushed.get(row.id);
    const cell = h('div', { class: 'tree-name' },
      entry.children > 0 ? h('button', { type: 'button', class: 'twisty', tabindex: '-1', 'aria-label': isOpen ? 'Collapse' : 'Expand', onclick: () => toggle(entry) }, icon(isOpen ? 'down' : 'right')) : h('span', { class: 'twisty' }),
      h('div', { class: 'two-lines' },
        h('a', { class: 'name', href: href('workspace', row.id), tabindex: '-1', dir: 'auto', title: row.name }, row.name),
        isFlat() && row.path?.length > 0 && h('span', { class: 'sub' }, 'in ', h('a', { href: href('fleet', null, { parent_id: row.path.at(-1) }), tabindex: '-1', dir: 'auto' }, nameOf(row.path.at(-1))))),
      news > 0 && h('span', { class: 'news', title: 'Pushed while you were here' }, `${count(news)} new`),
      !isOpen && h('span', { class: 'sub' }, `+${count(row.child_count)}`),
      isFlat() && row.child_count > 0 && h('a', { class: 'sub', tabindex: '-1', href: href('fleet', null, { parent_id: row.id, flat: '1' }) }, `${count(row.child_count)} below`));
    cell.style.setProperty('--level', Math.min(entry.level, 12));
    return cell;
  }

  function showBulk(ids) {
    bulk.hidden = !ids.length;
    if (!ids.length) return;
    fill(bulk, h('span', { class: 'strong', role: 'status' }, `${plural(ids.length, 'workspace')} selected`),
      lifecycle.map((action) => button(action.label, action.icon, () => actOnMany({ ids: ids.slice(0, 1000) }, action, () => {
        table.clearSelection();
        void list.reload({ keep: true });
      }), { class: action.danger ? 'button danger-quiet' : 'button' })),
      button('Clear', null, () => table.clearSelection(), { class: 'button quiet' }),
      ids.length > 1000 && h('span', { class: 'hint' }, 'The first 1,000 are taken at once.'));
  }

  async function actOnFilter() {
    const { status, q, runtime: kind, parent_id } = filter();
    const selected = Object.fromEntries(Object.entries({ status: status?.split(','), q, runtime: kind, parent_id }).filter(([, value]) => value));
    const { openDialog } = await import('./overlays.js');
    const action = await openDialog('Act on all that match', (close) => [
      h('div', { class: 'dialog-body' },
        Object.keys(selected).length
          ? [h('p', null, `${list.summary('workspace')} with ${filterWords()}. You see what would change before anything does.`), h('div', { class: 'row-actions' }, lifecycle.map((entry) => button(entry.label, entry.icon, () => close(entry))))]
          : h('p', null, 'Choose a status, a text or a runtime first: without a filter nothing is touched.')),
    ]);
    if (action) await actOnMany({ filter: selected }, action, () => list.reload({ keep: true }));
  }

  function filterWords() {
    const { status, q, runtime: kind, parent_id } = filter();
    return [status && `status ${words(status).replaceAll(',', ' or ')}`, q && `“${q}” in name, role or id`, kind && `runtime ${kind}`, parent_id && `the parent ${nameOf(parent_id)}`].filter(Boolean).join(', ');
  }

  function drawStrip() {
    const { fleet } = overview;
    const chosen = new Set((params.get('status') ?? '').split(',').filter(Boolean));
    const chip = (status, label, number) => h('button', {
      type: 'button', class: `chip ${status && !number ? 'none' : ''}`, 'aria-pressed': status ? chosen.has(status) : !chosen.size,
      onclick: () => {
        if (!status) chosen.clear();
        else if (chosen.has(status)) chosen.delete(status);
        else chosen.add(status);
        setParams({ status: [...chosen].join(',') || null }, { push: true });
      },
    }, status && statusShape(status), h('span', { class: 'chip-number' }, fleet ? count(number) : '–'), h('span', null, label));
    const held = strip.contains(document.activeElement) ? [...strip.children].indexOf(document.activeElement) : -1;
    const queue = fleet?.queue;
    fill(strip, chip(null, 'all', fleet?.total ?? 0), statuses.map((status) => chip(status, words(status), fleet?.by_status[status] ?? 0)),
      h('span', { class: 'strip-gap' }),
      queue && h('a', { class: 'chip link', href: href('messages', null, { state: 'waiting,retrying' }) }, h('span', { class: 'chip-number' }, count(queue.waiting + queue.retrying)), h('span', null, queue.oldest_waiting_seconds === null || queue.oldest_waiting_seconds === undefined ? 'waiting' : `waiting, oldest ${shortDuration(queue.oldest_waiting_seconds)}`)),
      fleet && h('span', { class: 'chip static' }, h('span', { class: 'chip-number' }, count(fleet.calls_in_flight)), h('span', null, 'calls in flight')));
    if (held >= 0) strip.children[held]?.focus();
    drawAttention();
  }

  function drawAttention() {
    const { problems } = overview;
    if (!overview.isComplete) return fill(attention);
    if (!problems.length) return fill(attention, h('p', { class: 'well good' }, icon('check'), 'All is well: nothing failed, late, stuck or unreachable.'));
    return fill(attention, h('p', { class: 'well warn' }, icon('warn'), h('span', null, `${plural(problems.length, 'thing needs', 'things need')} attention: `), problems.map((problem, place) => [place > 0 && ' · ', h('a', { href: problem.href }, problem.text)])));
  }

  const readDirty = throttle(async () => {
    const ids = [...dirty].slice(0, 20);
    if (dirty.size > 60) {
      dirty.clear();
      return list.reload({ keep: true });
    }
    for (const id of ids) dirty.delete(id);
    await Promise.all(ids.map(async (id) => {
      const workspace = byID.get(id);
      if (!workspace) return;
      try {
        const { queue_depth, status, status_reason } = await get(`/workspaces/${id}`, null, { quiet: true });
        if (!queue_depth) workspace.oldest_waiting_seconds = null;
        Object.assign(workspace, { queue_depth, status, status_reason });
      } catch { /* the next reading of the list says more */ }
    }));
    table.touch(ids);
    if (dirty.size) readDirty();
  }, 2000);
  const reloadSoon = throttle(() => list.reload({ keep: true }), 3000);

  const tick = () => drawStrip();
  overview.addEventListener('change', tick);

  return {
    element, heading, title: 'Fleet',
    update(route) {
      const before = new URLSearchParams(params);
      params = route.params;
      if (search.value.trim() !== (params.get('q') ?? '')) search.value = params.get('q') ?? '';
      runtime.value = params.get('runtime') ?? '';
      table.setSort(params.get('sort') ?? 'name', params.get('order') ?? 'asc');
      const parent = params.get('parent_id');
      fill(inside, parent && h('span', { class: 'tag' }, 'below ', h('span', { dir: 'auto' }, nameOf(parent)), iconButton('Show all again', 'close', () => setParams({ parent_id: null }))));
      drawStrip();
      before.delete('flat');
      const after = new URLSearchParams(params);
      after.delete('flat');
      if (list.total === null || before.toString() !== after.toString()) {
        if (list.total !== null) table.toTop();
        void list.reload();
      } else {
        arrange();
      }
    },
    refresh: () => list.reload({ keep: true }),
    events(batch) {
      const touched = new Set();
      let isReordered = false;
      for (const event of batch) {
        const id = event.workspace_id;
        const workspace = byID.get(id);
        if (!workspace) {
          if (event.type === 'WORKSPACE_PROVISIONING' || event.type === 'WORKSPACE_AWAITING_AGENT' || event.type === 'WORKSPACE_ONLINE') reloadSoon();
          continue;
        }
        if (/^A2A_(COMPLETED|FAILED|DROPPED)$/.test(event.type)) {
          dirty.add(id);
        } else if (event.type === 'WORKSPACE_REMOVED' || event.type === 'WORKSPACE_UPDATED') {
          reloadSoon();
        } else if (applyToWorkspace(workspace, event)) {
          touched.add(id);
          if (event.type in statusEvents && params.get('status')) isReordered = true;
        } else if (event.type === 'AGENT_MESSAGE') {
          touched.add(id);
        }
      }
      if (touched.size) table.touch(touched);
      if (dirty.size) readDirty();
      if (isReordered) reloadSoon();
    },
    leave() {
      overview.removeEventListener('change', tick);
      list.stop();
    },
  };
}

const clipped = (text) => h('span', { class: 'clip', title: text, dir: 'auto' }, text);

function statusCell({ row }) {
  const reason = reasonOf(row);
  return h('div', { class: 'two-lines' }, pill(row.status), reason && h('span', { class: 'sub reason', title: reason, dir: 'auto' }, reason));
}

function loadCell({ row }) {
  const isFull = row.active_tasks >= row.max_concurrent_tasks;
  return h('span', { class: isFull ? 'strong' : '', title: `${plural(row.active_tasks, 'task')} of ${row.max_concurrent_tasks} at once${isFull ? ', full' : ''}` }, `${row.active_tasks}/${row.max_concurrent_tasks}`);
}

function queueCell({ row }) {
  if (!row.queue_depth) return h('span', { class: 'faint' }, '0');
  return h('a', { href: href('messages', null, { target: row.id, state: 'waiting,retrying,running' }), tabindex: '-1' }, count(row.queue_depth), row.oldest_waiting_seconds ? h('span', { class: 'sub' }, ` ${shortDuration(row.oldest_waiting_seconds)}`) : null);
}

function spendCell({ row }) {
  const { monthly_spend: spend, budget_limit: limit } = row;
  if (limit === null || limit === undefined) return h('span', { class: 'faint' }, spend ? cents(spend) : '–');
  const isOver = spend >= limit;
  const share = limit > 0 ? Math.min(1, spend / limit) : 1;
  const meter = h('span', { class: `meter ${isOver ? 'bad' : share > 0.8 ? 'warn' : ''}`, 'aria-hidden': 'true' }, h('span'));
  meter.firstChild.style.width = `${share * 100}%`;
  return h('span', { class: 'spend', title: isOver ? 'The budget is spent: messages are refused' : '' }, h('span', { class: isOver ? 'bad-text' : '' }, `${cents(spend)} / ${cents(limit)}`), meter);
}
