// Dead letters of the broker: events that nobody could handle.

import { button, fill, h, setText } from './dom.js';
import { canWrite, get, post, remove, request } from './api.js';
import { relative } from './clock.js';
import { bytes, count, plural, words } from './format.js';
import { attempt, confirmDialog, emptyState, errorPanel, notify } from './overlays.js';
import { jsonBlock } from './richtext.js';
import { setParams } from './router.js';
import { PagedList } from './table.js';
import { overview } from './overview.js';

export function deadLetters({ drawer }) {
  let params = new URLSearchParams();
  let opened = null;
  let isFirst = true;
  const known = { queue: new Set(), type: new Set() };
  const chooser = (name, label) => h('select', { 'aria-label': label, onchange: (event) => setParams({ [name]: event.target.value || null }) }, h('option', { value: '' }, `Any ${name}`));
  const queue = chooser('queue', 'Queue it died in');
  const type = chooser('type', 'Type of event');
  const summary = h('span', { class: 'hint', role: 'status' });
  const place = h('div', { class: 'table-place' });
  const table = document.createElement('data-table');
  const element = h('div', { class: 'fill' },
    h('p', { class: 'hint' }, 'Events between the services that could not be handled. Nothing here is a message to an agent; replaying one hands it to the queue that it died in.'),
    h('div', { class: 'toolbar' }, queue, type, summary, h('span', { class: 'spacer' }), canWrite() && [button('Replay all that match…', 'restart', () => actOnAll('replay'), { class: 'button quiet' }), button('Discard all that match…', 'trash', () => actOnAll('discard'), { class: 'button quiet' })]), place);

  table.configure({
    label: 'Dead letters', rowHeight: 44, phoneHeight: 88,
    columns: [
      { key: 'type', label: 'Type', width: 'minmax(150px, 1.3fr)', phone: 'title', render: (letter) => letter.type ?? 'a batch' },
      { key: 'queue', label: 'Queue', width: 'minmax(130px, 1fr)', phone: 'sub', render: (letter) => letter.queue ?? '–' },
      { key: 'reason', label: 'Reason', width: 'minmax(120px, 1fr)', phone: 'side', render: (letter) => words(letter.reason ?? 'unknown') },
      { key: 'deaths', label: 'Deaths', width: '72px', number: true, render: (letter) => count(letter.death_count) },
      { key: 'received', label: 'Received', width: '118px', number: true, phone: 'meta', render: (letter) => relative(letter.received_at, 'ago', { tabindex: '-1' }) },
      { key: 'replayed', label: 'Replayed', width: '150px', number: true, phone: 'meta', render: (letter) => (letter.replay_count ? h('span', null, relative(letter.replayed_at, 'ago', { tabindex: '-1' }), letter.replay_count > 1 && ` × ${letter.replay_count}`) : h('span', { class: 'faint' }, 'never replayed')) },
      { key: 'size', label: 'Size', width: '84px', number: true, render: (letter) => bytes(letter.body_size) },
    ],
    open: (letter) => setParams({ open: letter.id }, { push: true }), nearEnd: () => list.more(),
  });
  place.append(table);

  const filter = () => ({ queue: params.get('queue'), type: params.get('type') });
  const list = new PagedList(async (cursor) => {
    const { data, headers } = await request('GET', '/admin/dead-letters', { query: { ...filter(), limit: 200, cursor } });
    return { rows: data, next: headers.get('X-Next-Cursor') };
  }, changed);

  function changed() {
    if (list.error && !list.rows.length) {
      fill(place, errorPanel('The dead letters could not be read', list.error, () => list.reload()));
      return;
    }
    if (!table.isConnected) fill(place, table);
    for (const letter of list.rows) {
      if (letter.queue) known.queue.add(letter.queue);
      if (letter.type) known.type.add(letter.type);
    }
    for (const [name, select] of [['queue', queue], ['type', type]]) {
      for (const value of known[name]) if (![...select.options].some((option) => option.value === value)) select.append(h('option', { value }, value));
      select.value = params.get(name) ?? '';
    }
    table.rows = list.rows;
    setText(summary, list.summary('dead letter'));
    fill(table.foot, !list.isLoading && !list.rows.length && (params.get('queue') || params.get('type')
      ? emptyState('No dead letter matches.', 'Choose another queue or type.', button('Clear the filters', null, () => setParams({ queue: null, type: null })))
      : emptyState('There are no dead letters.', 'Every event between the services was handled. Nothing to do.')));
  }

  async function actOnAll(name) {
    const chosen = Object.fromEntries(Object.entries(filter()).filter(([, value]) => value));
    const label = name === 'replay' ? 'Replay' : 'Discard';
    if (!Object.keys(chosen).length) {
      notify(`${label}: choose a queue or a type first. Without one nothing is touched.`);
      return;
    }
    const what = Object.entries(chosen).map(([key, value]) => `${key} ${value}`).join(', ');
    const body = [h('p', null, `${list.summary('dead letter')} with ${what}.`), h('p', null, name === 'replay' ? 'The oldest 1,000 that were never replayed are sent again.' : 'The oldest 1,000 are gone for good.')];
    if (!(await confirmDialog({ title: `${label} all that match?`, body, action: label, danger: name === 'discard' }))) return;
    const search = { ...chosen, limit: 1000 };
    await attempt(`${label} failed`, async () => (name === 'replay' ? (await request('POST', '/admin/dead-letters/replay', { query: search })).data : remove('/admin/dead-letters', search)),
      (result) => (name === 'replay' ? `${plural(result.replayed, 'dead letter')} replayed, ${count(result.undeliverable)} of them to no queue.` : `${plural(result.discarded, 'dead letter')} discarded.`));
    void list.reload({ keep: true });
  }

  async function open(id) {
    opened = id;
    let letter;
    try {
      letter = await get(`/admin/dead-letters/${id}`);
    } catch (error) {
      if (opened === id) drawer.show('Dead letter', errorPanel('It could not be read', error, () => open(id)), close);
      return;
    }
    if (opened === id) drawer.show('Dead letter', details(letter, id), close);
  }

  function details({ message, headers, body, body_base64: raw, content_type: kind, is_truncated: isCut }, id) {
    const replay = async () => {
      await attempt('It was not replayed', () => post(`/admin/dead-letters/${id}/replay`), (result) => `Sent again to ${result.queue}.`);
      void open(id);
      void list.reload({ keep: true });
    };
    const discard = async () => {
      if (!(await confirmDialog({ title: 'Discard this dead letter?', body: h('p', null, 'It is gone for good.'), action: 'Discard', danger: true }))) return;
      if (await attempt('It was not discarded', () => remove(`/admin/dead-letters/${id}`), 'Discarded.')) close();
      void list.reload({ keep: true });
    };
    return h('div', { class: 'details' },
      canWrite() && h('div', { class: 'row-actions' }, button('Replay', 'restart', replay, { class: 'button primary', 'data-act': 'replay' }), button('Discard', 'trash', discard, { class: 'button danger-quiet', 'data-act': 'discard' })),
      h('dl', { class: 'facts one' }, [['Type', message.type ?? 'a batch'], ['Queue', message.queue], ['Reason', words(message.reason)], ['Deaths', message.death_count], ['Received', relative(message.received_at)], ['Replayed', message.replay_count ? [relative(message.replayed_at), `, ${plural(message.replay_count, 'time')}`] : 'never'], ['Published to', `${message.exchange} ${message.routing_key}`], ['Event', message.message_id], ['Content', `${kind ?? 'unknown'}, ${bytes(message.body_size)}`]].filter(([, value]) => value).map(([label, value]) => h('div', null, h('dt', null, label), h('dd', null, value)))),
      isCut && h('p', { class: 'hint' }, 'Only the first MiB of the body is kept here.'),
      h('details', null, h('summary', null, 'Body'), body === null ? jsonBlock(raw ?? '', 'Body in base64') : jsonBlock(pretty(body), 'Body')),
      h('details', null, h('summary', null, 'Headers'), jsonBlock(headers, 'Headers')));
  }

  const close = () => setParams({ open: null });
  return {
    element,
    update(now) {
      const before = params;
      params = new URLSearchParams(now);
      const id = params.get('open');
      if (id !== opened) {
        opened = null;
        if (id) void open(id);
        else drawer.hide();
      }
      if (isFirst || before.get('queue') !== params.get('queue') || before.get('type') !== params.get('type')) {
        isFirst = false;
        void list.reload();
      }
      overview.refresh();
    },
    refresh: () => list.reload({ keep: true }),
    leave() {
      opened = null;
      list.stop();
    },
  };
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
