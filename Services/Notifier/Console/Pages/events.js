// The live tail of what happens in the fleet.

import { button, fill, h, setText } from './dom.js';
import { get } from './api.js';
import { relative, timeOfDay } from './clock.js';
import { count, plural } from './format.js';
import { workspaceLink, workspacePicker } from './names.js';
import { copyButton, emptyState, notifyError } from './overlays.js';
import { jsonBlock } from './richtext.js';
import { setParams } from './router.js';

/** What is kept; older ones go as newer ones come. */
const capacity = 2000;
/** Shown only when asked for: they would push out everything else. */
const frequent = new Set(['WORKSPACE_HEARTBEAT']);
const types = [
  'WORKSPACE_ONLINE', 'WORKSPACE_DEGRADED', 'WORKSPACE_OFFLINE', 'WORKSPACE_PROVISIONING', 'WORKSPACE_PROVISION_FAILED', 'WORKSPACE_AWAITING_AGENT', 'WORKSPACE_PAUSED', 'WORKSPACE_HIBERNATED',
  'WORKSPACE_REMOVED', 'WORKSPACE_UPDATED', 'WORKSPACE_HEARTBEAT', 'TASK_UPDATED', 'AGENT_CARD_UPDATED', 'AGENT_MESSAGE', 'ACTIVITY_LOGGED', 'A2A_QUEUED', 'A2A_COMPLETED', 'A2A_FAILED', 'A2A_DROPPED', 'A2A_RESPONSE',
  'DELEGATION_SENT', 'DELEGATION_STATUS', 'DELEGATION_COMPLETE', 'DELEGATION_FAILED', 'CRON_FIRED', 'CRON_EXECUTED', 'CRON_SKIPPED', 'SWEEP_HELD', 'SWEEP_RELEASED', 'STREAM_LAGGED', 'STREAM_RESET',
];

export function eventsScreen({ drawer }) {
  let params = new URLSearchParams();
  let kept = [];
  let held = [];
  let isPaused = false;
  let dropped = 0;
  let opened = null;
  let serial = 0;
  let isFirst = true;

  const heading = h('h1', { tabindex: '-1', id: 'events-title' }, 'Events');
  const summary = h('p', { class: 'summary' });
  const type = h('select', { 'aria-label': 'Type', onchange: () => setParams({ type: type.value || null }) }, h('option', { value: '' }, 'All but heartbeats'), h('option', { value: '*' }, 'All, heartbeats too'),
    [...new Set(types.map((name) => name.split('_')[0]))].map((group) => h('option', { value: `${group}_` }, `${group}_…`)), types.map((name) => h('option', { value: name }, name)));
  const workspace = workspacePicker({ label: 'Workspace', onchange: (id) => setParams({ workspace: id || null }) });
  const pause = button('Pause', 'pause', () => setPaused(!isPaused), { 'aria-pressed': 'false', 'data-act': 'pause' });
  const clear = button('Clear', null, () => {
    kept = [];
    held = [];
    draw();
  }, { class: 'button quiet' });
  const table = document.createElement('data-table');
  const element = h('section', { class: 'screen', 'aria-labelledby': 'events-title' },
    h('header', { class: 'screen-head' }, h('div', { class: 'titles' }, heading, summary), h('div', { class: 'row-actions' }, pause, clear)),
    h('div', { class: 'toolbar' }, type, workspace.element), h('div', { class: 'table-place' }, table));

  table.configure({
    label: 'Events, newest first', rowHeight: 36, phoneHeight: 78, key: (event) => event.key,
    columns: [
      { key: 'time', label: 'Time', width: '92px', phone: 'meta', render: (event) => h('span', { title: new Date(event.timestamp).toISOString() }, timeOfDay(event.timestamp)) },
      { key: 'type', label: 'Type', width: 'minmax(190px, .9fr)', phone: 'title', render: (event) => h('span', { class: 'mono clip', title: event.type }, event.type) },
      { key: 'workspace', label: 'Workspace', width: 'minmax(130px, .8fr)', phone: 'meta', render: (event) => (event.workspace_id ? quiet(workspaceLink(event.workspace_id)) : h('span', { class: 'faint' }, 'the platform')) },
      { key: 'what', label: 'What', width: 'minmax(200px, 2fr)', phone: 'sub', render: (event) => h('span', { class: 'clip', dir: 'auto', title: line(event) }, line(event)) },
    ],
    open: (event) => setParams({ open: event.key }, { push: true }),
  });

  const quiet = (link) => {
    link.tabIndex = -1;
    return link;
  };

  function matches(event) {
    const wanted = params.get('type');
    const whose = params.get('workspace');
    if (whose && event.workspace_id !== whose) return false;
    if (!wanted) return !frequent.has(event.type);
    if (wanted === '*') return true;
    return wanted.endsWith('_') ? event.type.startsWith(wanted) : event.type === wanted;
  }

  async function readOld() {
    const whose = params.get('workspace');
    let rows;
    try {
      rows = await get(whose ? `/events/${whose}` : '/events');
    } catch (error) {
      notifyError('Earlier events could not be read', error);
      return;
    }
    const known = new Set(kept.map((event) => event.id));
    const old = rows.filter((row) => !known.has(row.id)).map((row) => ({ id: row.id, key: row.id, type: row.event_type, workspace_id: row.workspace_id, timestamp: Date.parse(row.created_at), data: row.payload }));
    // What came live meanwhile has no id: the same type, workspace and time is the same event.
    const live = new Set(kept.map(signature));
    kept = kept.concat(old.filter((event) => !live.has(signature(event)))).sort((a, b) => b.timestamp - a.timestamp).slice(0, capacity);
    draw();
  }
  const signature = (event) => `${event.type} ${event.workspace_id} ${event.timestamp}`;

  function setPaused(paused) {
    isPaused = paused;
    pause.setAttribute('aria-pressed', paused);
    fill(pause, ...button(paused ? 'Resume' : 'Pause', paused ? 'play' : 'pause').childNodes);
    if (!paused) {
      kept = held.concat(kept).slice(0, capacity);
      held = [];
      dropped = 0;
    }
    draw();
  }

  function draw() {
    const shown = kept.filter(matches);
    table.rows = shown;
    setText(summary, isPaused ? `Paused with ${plural(shown.length, 'event')}; ${count(held.filter(matches).length + dropped)} came since` : `${plural(shown.length, 'event')} shown, of the last ${count(kept.length)}`);
    fill(table.foot, !shown.length && emptyState(params.get('type') || params.get('workspace') ? 'No event matches yet.' : 'Nothing has happened yet.', 'Events appear here the moment they happen. Leave this open, or choose another type or workspace.'));
  }

  function show(key) {
    if (key === opened) return;
    opened = key;
    const event = kept.find((one) => one.key === key);
    if (!event) {
      setParams({ open: null });
      return;
    }
    const whole = { type: event.type, timestamp: event.timestamp, workspace_id: event.workspace_id, data: event.data };
    drawer.show(event.type, h('div', { class: 'details' }, h('dl', { class: 'facts one' }, h('div', null, h('dt', null, 'When'), h('dd', null, relative(event.timestamp))), event.workspace_id && h('div', null, h('dt', null, 'Workspace'), h('dd', null, workspaceLink(event.workspace_id)))), h('div', { class: 'detail-line' }, h('h3', null, 'The whole event'), copyButton(JSON.stringify(whole, null, 2), 'Copy the event')), jsonBlock(whole, 'The whole event')), () => setParams({ open: null }));
  }

  return {
    element, heading, title: 'Events',
    update(route) {
      const before = params.get('workspace');
      params = new URLSearchParams(route.params);
      type.value = params.get('type') ?? '';
      if (workspace.value !== (params.get('workspace') ?? '')) workspace.set(params.get('workspace'));
      if (isFirst || before !== params.get('workspace')) void readOld();
      isFirst = false;
      const key = params.get('open');
      if (key && kept.length) show(key);
      else if (!key) {
        opened = null;
        drawer.hide();
      }
      draw();
    },
    refresh: readOld,
    events(batch) {
      const fresh = batch.filter((event) => !frequent.has(event.type) || params.get('type')).reverse();
      for (const event of fresh) event.key = `e${++serial}`;
      if (!fresh.length) return;
      if (isPaused) {
        const all = fresh.concat(held);
        dropped += Math.max(0, all.length - capacity);
        held = all.slice(0, capacity);
      } else {
        kept = fresh.concat(kept).slice(0, capacity);
      }
      draw();
    },
    leave: () => (opened = null),
  };
}

/** An event in a line. */
function line({ type, data }) {
  if (!data || typeof data !== 'object') return '';
  if (type === 'WORKSPACE_HEARTBEAT') return `${data.active_tasks}/${data.max_concurrent_tasks} tasks`;
  const told = data.sample_error || data.error || data.reason || data.message || data.summary || data.current_task || data.response_preview || data.task_preview || data.schedule_name || data.name;
  const rest = [data.status, data.queue_depth && `queue ${data.queue_depth}`, data.attempts !== undefined && `${data.attempts} attempts`, data.recovered_from && `was ${data.recovered_from}`, data.dropped && `${data.dropped} events missed`].filter(Boolean);
  return [told, ...rest].filter(Boolean).map(String).join(' · ').slice(0, 300);
}
