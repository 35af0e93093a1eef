// Dead letters of the broker: events between the services that nobody could handle.

import {attempt, button, bytes, canWrite, confirmDialog, count, facts, get, h, jsonBlock, listView, plural, post, relative, remove, request, words} from './kit.js';

export function deadLetters({drawer}) {
	const view = listView({
		one: 'dead letter', failure: 'The dead letters could not be read', drawer, details,
		none: ['There are no dead letters.', 'Every event between the services was handled. There is nothing to do.'],
		filters: [{name: 'queue', kind: 'text', label: 'Queue it died in', hint: 'Any queue'}, {name: 'type', kind: 'text', label: 'Type of event', hint: 'Any type'}],
		async load(query, cursor) {
			const {data, headers} = await request('GET', '/admin/dead-letters', {query: {...query, limit: 200, cursor}});
			return {rows: data, next: headers.get('X-Next-Cursor')};
		},
		table: {
			label: 'Dead letters',
			columns: [
				['type', 'Type', 'minmax(150px, 1.3fr)', (letter) => letter.type ?? 'a batch', {phone: 'title'}],
				['queue', 'Queue', 'minmax(130px, 1fr)', (letter) => letter.queue ?? '–', {phone: 'sub'}],
				['reason', 'Reason', 'minmax(120px, 1fr)', (letter) => words(letter.reason ?? 'unknown'), {phone: 'side'}],
				['deaths', 'Deaths', '72px', (letter) => count(letter.death_count), {number: true}],
				['received', 'Received', '118px', (letter) => relative(letter.received_at), {number: true, phone: 'meta'}],
				['replayed', 'Replayed', '150px', (letter) => (letter.replay_count ? relative(letter.replayed_at) : h('span.faint', 'never replayed')), {number: true, phone: 'meta'}],
				['size', 'Size', '84px', (letter) => bytes(letter.body_size), {number: true}],
			],
		},
	});

	async function details(id) {
		const {message, headers, body, body_base64: raw, content_type: kind, is_truncated: isCut} = await get(`/admin/dead-letters/${id}`);
		const replay = async () => {
			await attempt('It was not replayed', () => post(`/admin/dead-letters/${id}/replay`), (result) => `Sent again to ${result.queue}.`);
			void view.renew();
		};
		const discard = async () => {
			if (!(await confirmDialog({title: 'Discard this dead letter?', body: h('p', 'It is gone for good.'), action: 'Discard', danger: true}))) return;
			if (await attempt('It was not discarded', () => remove(`/admin/dead-letters/${id}`), 'Discarded.')) view.close();
			void view.refresh();
		};
		return ['Dead letter', h('div.details',
			canWrite() && h('div.row-actions', button('Replay', 'restart', replay, {kind: 'primary', 'data-act': 'replay'}), button('Discard', 'trash', discard, {kind: 'danger-quiet', 'data-act': 'discard'})),
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
