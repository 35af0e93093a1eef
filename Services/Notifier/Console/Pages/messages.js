// The queue of the whole fleet, and of one workspace; and what the broker could not hand to anybody.

import { append, button, debounce, fill, h, setText, throttle } from './dom.js';
import { canWrite, get, post, remove } from './api.js';
import { relative } from './clock.js';
import { bytes, count, plural, shortDuration, shortID, title } from './format.js';
import { learnName, nameOf, workspaceLink, workspacePicker } from './names.js';
import { attempt, confirmDialog, copyButton, emptyState, errorPanel, notifyError, openDialog } from './overlays.js';
import { pill, statusShape } from './pill.js';
import { jsonBlock } from './richtext.js';
import { href, setParams } from './router.js';
import { PagedList } from './table.js';
import { overview } from './overview.js';
import { deadLetters } from './deadletters.js';

const states = ['waiting', 'retrying', 'running', 'failed', 'dropped', 'delivered'];
const explanations = {
  waiting: 'Not tried yet', retrying: 'Tried, and waiting for the next attempt', running: 'With the agent now', failed: 'Given up',
  dropped: 'Expired, cancelled or taken out', delivered: 'Answered',
};
const ages = [['', 'Any age'], ['60', 'Older than a minute'], ['900', 'Older than 15 min'], ['3600', 'Older than an hour'], ['86400', 'Older than a day']];
const bulkActions = {
  retry: { label: 'Retry', icon: 'restart', question: 'They wait again and are delivered as soon as their targets have room.' },
  cancel: { label: 'Cancel', icon: 'close', danger: true, question: 'They are taken out of the queue and never delivered. Delegations that they carry fail.' },
  expire: { label: 'Expire', icon: 'schedules', danger: true, question: 'They are treated as if their time were over: dropped, and never delivered.' },
};
/** What can be done with a message in each state. */
const fits = { waiting: ['cancel', 'expire'], retrying: ['cancel', 'expire'], running: [], failed: ['retry'], dropped: ['retry'], delivered: [] };

export function messagesScreen({ drawer }) {
  const heading = h('h1', { tabindex: '-1', id: 'messages-title' }, 'Messages');
  const tabs = h('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Queue or dead letters' });
  const content = h('div', { class: 'fill', role: 'tabpanel', id: 'messages-panel' });
  const element = h('section', { class: 'screen', 'aria-labelledby': 'messages-title' }, h('header', { class: 'screen-head' }, h('div', { class: 'titles' }, heading)), tabs, content);
  let part = null;
  let name = null;

  const tab = (key, label) => h('button', { type: 'button', role: 'tab', id: `messages-${key}`, 'aria-controls': 'messages-panel', onclick: () => setParams({ tab: key === 'queue' ? null : key, open: null }, { push: true }) }, label);
  const buttons = [tab('queue', 'Queue'), tab('dead', 'Dead letters')];
  append(tabs, buttons);
  tabs.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft') return;
    const other = buttons[1 - buttons.indexOf(document.activeElement)];
    other?.focus();
    other?.click();
  });

  return {
    element, heading, title: 'Messages',
    update(route) {
      const wanted = route.params.get('tab') === 'dead' ? 'dead' : 'queue';
      buttons.forEach((one) => {
        const isShown = one.id === `messages-${wanted}`;
        one.setAttribute('aria-selected', isShown);
        one.tabIndex = isShown ? 0 : -1;
      });
      if (wanted !== name) {
        part?.leave?.();
        drawer.hide();
        name = wanted;
        content.setAttribute('aria-labelledby', `messages-${wanted}`);
        part = wanted === 'dead' ? deadLetters({ drawer }) : queueList({ drawer });
        fill(content, part.element);
      }
      part.update(route.params);
    },
    refresh: () => part?.refresh(),
    events: (batch) => part?.events?.(batch),
    leave: () => part?.leave?.(),
  };
}

/** The queue of one workspace: the same list with its target fixed. */
export function queueTab({ id, drawer }) {
  const list = queueList({ drawer, target: id });
  list.element.classList.add('tab-content');
  return list;
}

function queueList({ drawer, target = null }) {
  let params = new URLSearchParams();
  let isFirst = true;
  let opened = null;
  const stateChips = h('div', { class: 'strip', role: 'group', 'aria-label': 'Filter by state' });
  const search = h('input', { type: 'search', placeholder: 'Search id, error or trace', 'aria-label': 'Search messages', 'data-search': true, oninput: debounce(() => setParams({ q: search.value.trim() || null }), 300) });
  const targetPicker = !target && workspacePicker({ label: 'Target', placeholder: 'Any target', onchange: (id) => setParams({ target: id || null }) });
  const callerPicker = workspacePicker({ label: 'Caller', placeholder: 'Any caller', extra: [['console', 'A person or a schedule']], onchange: (id) => setParams({ caller: id || null }) });
  const method = h('input', { type: 'text', placeholder: 'Any method', 'aria-label': 'Method', class: 'short', autocomplete: 'off', spellcheck: 'false', onchange: () => setParams({ method: method.value.trim() || null }) });
  const age = h('select', { 'aria-label': 'Age', onchange: () => setParams({ older_than: age.value || null }) }, ages.map(([value, label]) => h('option', { value }, label)));
  const attempts = h('select', { 'aria-label': 'Attempts', onchange: () => setParams({ min_attempts: attempts.value || null }) }, h('option', { value: '' }, 'Any attempts'), [1, 2, 3, 4, 5].map((number) => h('option', { value: number }, number === 5 ? '5 attempts' : `${number} or more attempts`)));
  const summary = h('span', { class: 'hint', role: 'status' });
  const byFilter = canWrite() && h('div', { class: 'row-actions', 'data-by-filter': true }, h('span', { class: 'hint' }, 'All that match:'), Object.entries(bulkActions).map(([name, action]) => button(`${action.label}…`, action.icon, () => actByFilter(name), { class: 'button quiet', 'data-bulk': name })));
  const bulk = h('div', { class: 'bulk', hidden: true, role: 'region', 'aria-label': 'Actions on the selection' });
  const place = h('div', { class: 'table-place' });
  const table = document.createElement('data-table');
  const clear = button('Clear filters', null, () => setParams(Object.fromEntries(['state', 'q', 'target', 'caller', 'method', 'older_than', 'min_attempts'].map((name) => [name, null]))), { class: 'button quiet' });
  const element = h('div', { class: 'fill' }, stateChips,
    h('div', { class: 'toolbar' }, search, targetPicker && targetPicker.element, callerPicker.element, method, age, attempts, clear),
    h('div', { class: 'toolbar' }, summary, h('span', { class: 'spacer' }), byFilter), bulk, place);

  table.configure({
    label: 'Messages', selectable: canWrite(), key: (item) => item.queue_id, rowHeight: 44, phoneHeight: 88,
    columns: [
      { key: 'state', label: 'State', width: '112px', phone: 'side', render: (item) => pill(item.state) },
      !target && { key: 'target', label: 'Target', width: 'minmax(140px, 1.4fr)', phone: 'title', render: (item) => link(item.workspace_id, item.target_name) },
      { key: 'caller', label: 'Caller', width: 'minmax(110px, 1fr)', phone: target ? 'title' : 'meta', render: (item) => callerOf(item) },
      { key: 'method', label: 'Method', width: 'minmax(100px, .8fr)', render: (item) => h('span', { class: 'clip', title: item.method }, item.method) },
      { key: 'attempts', label: 'Attempts', width: '84px', number: true, render: (item) => attemptsOf(item) },
      { key: 'age', label: 'Stored', width: '118px', number: true, phone: 'meta', render: (item) => relative(item.enqueued_at, 'ago', { tabindex: '-1' }) },
      { key: 'next', label: 'Next attempt', width: '128px', number: true, render: (item) => (item.state === 'retrying' ? relative(item.next_attempt_at, 'until', { tabindex: '-1' }) : null) ?? h('span', { class: 'faint' }, item.position ? `position ${item.position}` : '–') },
      { key: 'error', label: 'Last error', width: 'minmax(160px, 2fr)', phone: 'sub', render: (item) => h('span', { class: `clip ${item.state === 'delivered' ? 'faint' : ''}`, dir: 'auto', title: item.last_error ?? '' }, item.last_error ?? '') },
    ].filter(Boolean),
    open: (item) => setParams({ open: item.queue_id }, { push: true }), select: showBulk, nearEnd: () => list.more(),
  });
  place.append(table);

  const link = (id, name) => {
    const anchor = workspaceLink(id, name);
    anchor.tabIndex = -1;
    anchor.title = name ?? '';
    return anchor;
  };
  const callerOf = (item) => (item.caller_id ? link(item.caller_id, item.caller_name) : h('span', null, item.schedule_id ? 'a schedule' : 'a person'));
  const attemptsOf = (item) => h('span', { title: `${plural(item.attempts, 'counted attempt')}, ${plural(item.refusals, 'refusal')}` }, String(item.attempts), item.refusals > 0 && h('span', { class: 'sub' }, ` +${item.refusals}`), item.delivery_uncertain && h('span', { class: 'warn-text', title: 'An earlier try may have arrived' }, ' ?'));

  const list = new PagedList(async (cursor) => {
    const page = await get('/admin/queue', { ...filter(), q: params.get('q'), limit: 100, cursor });
    for (const item of page.items) {
      learnName(item.workspace_id, item.target_name);
      learnName(item.caller_id, item.caller_name);
    }
    return { rows: page.items, total: page.total, next: page.next_cursor, isExact: page.total_is_exact };
  }, changed);

  function filter() {
    return { state: params.get('state'), target: target ?? params.get('target'), caller: params.get('caller'), method: params.get('method'), older_than: params.get('older_than'), min_attempts: params.get('min_attempts') };
  }

  /** The filter as the bulk routes take it. */
  function bulkFilter() {
    const { state, older_than: age, min_attempts: least, ...rest } = filter();
    return Object.fromEntries(Object.entries({ ...rest, state: state?.split(','), older_than: age && Number(age), min_attempts: least && Number(least) }).filter(([, value]) => value));
  }

  function changed() {
    if (list.error && !list.rows.length) {
      fill(place, errorPanel('The queue could not be read', list.error, () => list.reload()));
      setText(summary, '');
      return;
    }
    if (!table.isConnected) fill(place, table);
    table.rows = list.rows;
    setText(summary, list.summary('message'));
    const isFiltered = [...params.keys()].some((name) => name !== 'open' && name !== 'tab');
    fill(table.foot, list.isLoading ? h('p', { class: 'loading' }, 'Loading…') : !list.rows.length && (isFiltered
      ? emptyState('No message matches.', 'No message has this state, age or text. Take a filter away to see more.', button('Clear filters', null, () => clear.click()))
      : emptyState('The queue is empty.', 'Messages wait here when their agent is busy. Those that agents take at once never come here.')));
  }

  function drawChips() {
    const chosen = new Set((params.get('state') ?? '').split(',').filter(Boolean));
    const numbers = target ? {} : overview.fleet?.queue ?? {};
    const held = stateChips.contains(document.activeElement) ? [...stateChips.children].indexOf(document.activeElement) : -1;
    fill(stateChips, h('button', { type: 'button', class: 'chip', 'aria-pressed': String(!chosen.size), onclick: () => setParams({ state: null }, { push: true }) }, 'all'),
      states.map((state) => h('button', {
        type: 'button', class: 'chip', 'aria-pressed': String(chosen.has(state)), title: explanations[state],
        onclick: () => {
          if (chosen.has(state)) chosen.delete(state);
          else chosen.add(state);
          setParams({ state: [...chosen].join(',') || null }, { push: true });
        },
      }, statusShape(state), numbers[state] !== undefined && h('span', { class: 'chip-number' }, count(numbers[state])), h('span', null, state))));
    if (held >= 0) stateChips.children[held]?.focus();
  }

  function showBulk(ids) {
    bulk.hidden = !ids.length;
    if (!ids.length) return;
    fill(bulk, h('span', { class: 'strong', role: 'status' }, `${plural(ids.length, 'message')} selected`),
      Object.entries(bulkActions).map(([name, action]) => button(action.label, action.icon, () => act(name, { ids }, () => table.clearSelection()), { class: action.danger ? 'button danger-quiet' : 'button' })),
      button('Clear', null, () => table.clearSelection(), { class: 'button quiet' }));
  }

  async function actByFilter(name) {
    const chosen = bulkFilter();
    if (!Object.keys(chosen).length || params.get('q')) {
      await openDialog(`${bulkActions[name].label}: choose a filter`, (close) => [
        h('div', { class: 'dialog-body' }, h('p', null, params.get('q') ? 'The text search only narrows what is shown. Clear it, and use state, target, caller, method, age or attempts.' : 'Choose a state, target, caller, method, age or number of attempts first: without a filter nothing is touched.')),
        h('footer', { class: 'dialog-foot' }, button('Close', null, () => close(), { class: 'button primary' })),
      ]);
      return;
    }
    await act(name, chosen);
  }

  /** A dry run says how many; the question names them; then it is done. */
  async function act(name, chosen, done = () => {}) {
    const action = bulkActions[name];
    let plan;
    try {
      plan = await post(`/admin/queue/${name}`, { filter: chosen, dry_run: true });
    } catch (error) {
      notifyError(`What “${action.label}” would touch could not be counted`, error);
      return;
    }
    const body = [
      h('p', { class: 'strong', 'data-plan': plan.changed }, plan.changed ? `${plural(plan.changed, 'message')} of ${count(plan.matched)} that match.` : `None of ${plural(plan.matched, 'matching message')} can be changed in this way.`),
      plan.changed > 0 && h('p', null, action.question), h('p', { class: 'hint' }, 'Filter: ', filterWords(chosen)),
      plan.left > 0 && h('p', null, `${count(plan.left)} more are left: repeat it for them.`),
    ];
    if (!plan.changed) {
      await openDialog(`${action.label}: nothing to do`, (close) => [h('div', { class: 'dialog-body' }, body), h('footer', { class: 'dialog-foot' }, button('Close', null, () => close(), { class: 'button primary' }))]);
      return;
    }
    if (!(await confirmDialog({ title: `${action.label} ${plural(plan.changed, 'message')}?`, body, action: `${action.label} ${count(plan.changed)}`, danger: action.danger }))) return;
    await attempt(`${action.label} failed`, () => post(`/admin/queue/${name}`, { filter: chosen, dry_run: false }), (result) => `${action.label}: ${plural(result.changed, 'message')} changed${result.left ? `, ${count(result.left)} left` : ''}.`);
    done();
    void list.reload({ keep: true });
    overview.refresh();
  }

  function filterWords(chosen) {
    const { ids, state, target: whom, caller, method: what, older_than: old, min_attempts: least } = chosen;
    return [ids && `${plural(ids.length, 'selected message')}`, state && `state ${state.join(' or ')}`, whom && `for ${nameOf(whom)}`, caller && `from ${caller === 'console' ? 'a person or a schedule' : nameOf(caller)}`, what && `method ${what}`, old && `older than ${shortDuration(old)}`, least && `${least} or more attempts`].filter(Boolean).join(', ');
  }

  async function open(id) {
    opened = id;
    let item;
    try {
      item = await get(`/admin/queue/${id}`);
    } catch (error) {
      if (opened === id) drawer.show('Message', errorPanel('This message could not be read', error, () => open(id)), closeDrawer);
      return;
    }
    if (opened !== id) return;
    drawer.show('Message', itemDetails(item, () => open(id), () => list.reload({ keep: true })), closeDrawer);
  }

  const closeDrawer = () => setParams({ open: null });
  const reloadSoon = throttle(() => list.reload({ keep: true, most: 300 }), 2500);
  const openAgain = throttle(() => opened && open(opened), 1000);
  const tick = () => drawChips();
  overview.addEventListener('change', tick);

  return {
    element,
    update(now) {
      const before = params.toString();
      params = new URLSearchParams(now);
      if (search.value.trim() !== (params.get('q') ?? '')) search.value = params.get('q') ?? '';
      if (targetPicker && targetPicker.value !== (params.get('target') ?? '')) targetPicker.set(params.get('target'));
      if (callerPicker.value !== (params.get('caller') ?? '')) callerPicker.set(params.get('caller'));
      method.value = params.get('method') ?? '';
      age.value = params.get('older_than') ?? '';
      if (params.get('older_than') && !age.value) {
        age.append(h('option', { value: params.get('older_than') }, `Older than ${shortDuration(Number(params.get('older_than')))}`));
        age.value = params.get('older_than');
      }
      attempts.value = params.get('min_attempts') ?? '';
      drawChips();
      const id = params.get('open');
      if (id !== opened) {
        opened = null;
        if (id) void open(id);
        else drawer.hide();
      }
      const rest = (text) => {
        const copy = new URLSearchParams(text);
        copy.delete('open');
        return copy.toString();
      };
      clear.hidden = ![...params.keys()].some((name) => name !== 'open' && name !== 'tab');
      if (isFirst || rest(before) !== rest(params.toString())) {
        if (!isFirst) table.toTop();
        isFirst = false;
        void list.reload();
      }
    },
    refresh: () => list.reload({ keep: true }),
    events(batch) {
      const mine = batch.filter((event) => event.type.startsWith('A2A_') && event.type !== 'A2A_RESPONSE' && (!target || event.workspace_id === target));
      if (!mine.length) return;
      reloadSoon();
      if (opened && mine.some((event) => event.data?.queue_id === opened)) openAgain();
    },
    leave() {
      opened = null;
      overview.removeEventListener('change', tick);
      list.stop();
    },
  };
}

/** Everything about one message. */
function itemDetails(item, again, changed) {
  const fact = (label, ...value) => value.some((one) => one !== null && one !== undefined && one !== false && one !== '') && h('div', null, h('dt', null, label), h('dd', null, value));
  const act = async (name) => {
    const action = bulkActions[name];
    if (action.danger && !(await confirmDialog({ title: `${action.label} this message?`, body: h('p', null, action.question.replace('They are', 'It is').replace('they carry', 'it carries').replace('their time', 'its time')), action: action.label, danger: true }))) return;
    const calls = {
      retry: () => post(`/admin/a2a-queue/${item.queue_id}/retry`),
      cancel: () => remove(`/workspaces/${item.workspace_id}/queue/${item.queue_id}`),
      expire: async () => {
        const { changed: number } = await post('/admin/queue/expire', { filter: { ids: [item.queue_id] }, dry_run: false });
        if (!number) throw new Error('It is no longer waiting.');
      },
    };
    await attempt(`${action.label}: the message was not changed`, calls[name], { retry: 'The message waits again.', cancel: 'The message was cancelled.', expire: 'The message has expired.' }[name]);
    again();
    changed();
  };
  return h('div', { class: 'details' },
    h('div', { class: 'detail-line' }, pill(item.state), h('span', { class: 'hint' }, explanations[item.state])),
    canWrite() && fits[item.state].length > 0 && h('div', { class: 'row-actions' }, fits[item.state].map((name) => button(bulkActions[name].label, bulkActions[name].icon, () => act(name), { class: bulkActions[name].danger ? 'button danger-quiet' : 'button primary', 'data-act': name }))),
    item.last_error && h('div', { class: 'notice warn' }, h('p', { dir: 'auto' }, item.last_error)),
    item.delivery_uncertain && h('p', { class: 'hint' }, 'An earlier try may have arrived: the agent is told by X-Delivery-Attempt.'),
    h('dl', { class: 'facts one' },
      fact('For', workspaceLink(item.workspace_id, item.target_name)), fact('From', item.caller_id ? workspaceLink(item.caller_id, item.caller_name) : item.schedule_id ? 'a schedule' : 'a person'),
      fact('Next attempt', item.state === 'retrying' && relative(item.next_attempt_at, 'until')), fact('Position', item.position), fact('Attempts', `${item.attempts} counted, ${item.refusals} refused`),
      fact('Stored', relative(item.enqueued_at)), fact('Handed over', relative(item.dispatched_at)), fact('Ended', relative(item.completed_at)), fact('Expires', ['waiting', 'retrying'].includes(item.state) && relative(item.expires_at, 'until')),
      fact('Method', item.method), fact('Priority', { 100: 'critical', 50: 'task', 10: 'info' }[item.priority] ?? item.priority), fact('Body', item.body_bytes !== undefined && bytes(item.body_bytes)),
      fact('Delegation', item.delegation_id && (item.caller_id ? h('a', { href: href('workspace', item.caller_id, { tab: 'delegations' }) }, shortID(item.delegation_id)) : shortID(item.delegation_id))),
      fact('Schedule', item.schedule_id && h('a', { href: href('workspace', item.workspace_id, { tab: 'schedules' }) }, shortID(item.schedule_id))),
      fact('Trace', item.trace_id && h('code', null, item.trace_id), item.trace_id && copyButton(item.trace_id, 'Copy the trace id')), fact('Id', h('code', null, item.queue_id), copyButton(item.queue_id, 'Copy the id'))),
    h('h3', null, 'What happened'), timeline(item.attempts_log ?? []), bodies(item));
}

const kinds = { enqueued: 'Stored', claimed: 'Handed to the agent', refused: 'Refused: certainly not delivered', failed: 'Failed', uncertain: 'No answer: it may have arrived', delivered: 'Delivered', dropped: 'Dropped', expired: 'Expired', retried: 'Retried by a person' };
const kindShapes = { enqueued: 'waiting', claimed: 'running', refused: 'skipped', failed: 'failed', uncertain: 'late', delivered: 'delivered', dropped: 'dropped', expired: 'late', retried: 'retrying' };

function timeline(log) {
  if (!log.length) return h('p', { class: 'hint' }, 'Nothing is on record.');
  return h('ol', { class: 'timeline' }, log.map((step) => h('li', null, statusShape(kindShapes[step.kind] ?? 'unknown'), h('div', null,
    h('p', null, kinds[step.kind] ?? title(step.kind), step.status && h('span', { class: 'sub' }, ` status ${step.status}`), ' ', h('span', { class: 'sub' }, relative(step.at))), step.error && h('p', { class: 'sub bad-text', dir: 'auto' }, step.error)))));
}

/** Bodies stay hidden until somebody asks: they may hold what is not for every eye. */
function bodies(item) {
  const place = h('div');
  const show = async () => {
    try {
      const body = await get(`/admin/queue/${item.queue_id}/body`);
      fill(place, body.is_private && h('p', { class: 'hint' }, 'Marked private.'),
        h('h3', null, 'Message'), body.request === null ? h('p', { class: 'hint' }, 'It is no longer kept.') : jsonBlock(body.request, 'Message'),
        h('h3', null, 'Answer'), body.response === null ? h('p', { class: 'hint' }, item.state === 'delivered' ? 'It is no longer kept.' : 'There is none yet.') : jsonBlock(body.response, 'Answer'));
    } catch (error) {
      fill(place, errorPanel('The body could not be read', error, show));
    }
  };
  fill(place, button('Show the message and its answer', null, show, { 'data-act': 'body' }));
  return place;
}
