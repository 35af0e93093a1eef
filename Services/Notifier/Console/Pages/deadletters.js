// Dead letters of the broker: events between the services that nobody could handle.

import { button, facts, h } from './dom.js';
import { canWrite, get, post, remove, request } from './api.js';
import { relative } from './clock.js';
import { bytes, count, plural, words } from './format.js';
import { listView } from './listview.js';
import { attempt, confirmDialog } from './overlays.js';
import { jsonBlock } from './richtext.js';
import { choose } from './filters.js';

export function deadLetters({ drawer }) {
  const view = listView({
    one: 'dead letter', failure: 'The dead letters could not be read', drawer, details,
    none: ['There are no dead letters.', 'Every event between the services was handled. There is nothing to do.'],
    filters: [{ name: 'queue', kind: 'select', label: 'Queue it died in', options: [['', 'Any queue']] }, { name: 'type', kind: 'select', label: 'Type of event', options: [['', 'Any type']] }],
    async load(query, cursor) {
      const { data, headers } = await request('GET', '/admin/dead-letters', { query: { ...query, limit: 200, cursor } });
      return { rows: data, next: headers.get('X-Next-Cursor') };
    },
    drawn(list) {
      for (const [place, name] of ['queue', 'type'].entries()) {
        const select = view.bar.controls[place];
        const chosen = select.value;
        for (const letter of list.rows) if (letter[name]) choose(select, letter[name]);
        select.value = chosen;
      }
    },
    table: {
      label: 'Dead letters',
      columns: [
        { key: 'type', label: 'Type', width: 'minmax(150px, 1.3fr)', phone: 'title', render: (letter) => letter.type ?? 'a batch' },
        { key: 'queue', label: 'Queue', width: 'minmax(130px, 1fr)', phone: 'sub', render: (letter) => letter.queue ?? '–' },
        { key: 'reason', label: 'Reason', width: 'minmax(120px, 1fr)', phone: 'side', render: (letter) => words(letter.reason ?? 'unknown') },
        { key: 'deaths', label: 'Deaths', width: '72px', number: true, render: (letter) => count(letter.death_count) },
        { key: 'received', label: 'Received', width: '118px', number: true, phone: 'meta', render: (letter) => relative(letter.received_at) },
        { key: 'replayed', label: 'Replayed', width: '150px', number: true, phone: 'meta', render: (letter) => (letter.replay_count ? relative(letter.replayed_at) : h('span.faint', 'never replayed')) },
        { key: 'size', label: 'Size', width: '84px', number: true, render: (letter) => bytes(letter.body_size) },
      ],
    },
  });

  async function details(id) {
    const { message, headers, body, body_base64: raw, content_type: kind, is_truncated: isCut } = await get(`/admin/dead-letters/${id}`);
    const replay = async () => {
      await attempt('It was not replayed', () => post(`/admin/dead-letters/${id}/replay`), (result) => `Sent again to ${result.queue}.`);
      void view.renew();
    };
    const discard = async () => {
      if (!(await confirmDialog({ title: 'Discard this dead letter?', body: h('p', 'It is gone for good.'), action: 'Discard', danger: true }))) return;
      if (await attempt('It was not discarded', () => remove(`/admin/dead-letters/${id}`), 'Discarded.')) view.close();
      void view.refresh();
    };
    return ['Dead letter', h('div.details',
      canWrite() && h('div.row-actions', button('Replay', 'restart', replay, { kind: 'primary', 'data-act': 'replay' }), button('Discard', 'trash', discard, { kind: 'danger-quiet', 'data-act': 'discard' })),
      facts([['Type', message.type ?? 'a batch'], ['Queue', message.queue], ['Reason', words(message.reason)], ['Deaths', message.death_count], ['Received', relative(message.received_at)], ['Replayed', message.replay_count ? [relative(message.replayed_at), `, ${plural(message.replay_count, 'time')}`] : 'never'], ['Published to', `${message.exchange} ${message.routing_key}`], ['Event', message.message_id], ['Content', `${kind ?? 'unknown'}, ${bytes(message.body_size)}`]], 'one'),
      isCut && h('p.hint', 'Only the first MiB of the body is kept here.'),
      h('details', h('summary', 'Body'), jsonBlock(body === null ? raw ?? '' : parsed(body), 'Body')),
      h('details', h('summary', 'Headers'), jsonBlock(headers, 'Headers')))];
  }
  return view;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
