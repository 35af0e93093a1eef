// The queue of the fleet or of one workspace, and the dead letters.

import {attempt, button, bytes, canWrite, clipped, confirmDialog, copyButton, count, facts, fill, frame, get, h, href, jsonBlock, learnName, listView, load, notify, pill, plural, post, readPage, relative, remove, request, shortDuration, shortID, statusShape, tabStrip, title, words, workspaceLink} from './kit.js';
import {actAsPlanned, bulkBar} from './actions.js';
import {overview} from './overview.js';

const states = {waiting: 'Not tried yet', retrying: 'Tried, and waiting for the next attempt', running: 'With the agent now', failed: 'Given up', dropped: 'Expired, cancelled or taken out', delivered: 'Answered'};
const actions = {
	retry: {name: 'retry', label: 'Retry', icon: 'restart', effect: 'They wait again and are delivered as soon as their targets have room.', done: 'The message waits again.'},
	cancel: {name: 'cancel', label: 'Cancel', icon: 'close', danger: true, effect: 'They are taken out of the queue and never delivered. Delegations that they carry fail.', done: 'The message was cancelled.'},
	expire: {name: 'expire', label: 'Expire', icon: 'schedules', danger: true, effect: 'Their time counts as over: they are dropped, and never delivered.', done: 'The message has expired.'},
};
const fits = {waiting: ['cancel', 'expire'], retrying: ['cancel', 'expire'], failed: ['retry']};

export function messagesScreen({drawer}) {
	const summary = h('span');
	const content = h('div.fill', {role: 'tabpanel', id: 'panel'});
	const tabs = tabStrip('Queue or dead letters', ['queue', 'dead_letters']);
	let part = null;
	let shown = null;
	return {
		...frame('Messages', {summary}, tabs.element, content),
		update({params}) {
			const wanted = tabs.select(params.get('tab'));
			if (wanted !== shown) {
				part?.leave();
				drawer.hide();
				shown = wanted;
				content.setAttribute('aria-labelledby', `tab-${wanted}`);
				part = wanted === 'dead_letters' ? deadLetters({drawer}) : queueList({drawer});
				fill(summary, part.summary);
				fill(content, part.element);
			}
			part.update(params);
		},
		refresh: () => part?.refresh(),
		events: (batch) => part?.events?.(batch),
		leave: () => part?.leave(),
	};
}

export function queueTab({id, drawer}) {
	const list = queueList({drawer, target: id});
	list.element.classList.add('tab-content');
	list.element.prepend(list.summary);
	return list;
}

function queueList({drawer, target = null}) {
	const bulk = bulkBar('message', Object.values(actions), act);
	const view = listView({
		one: 'message', failure: 'The queue could not be read', drawer,
		none: ['The queue is empty.', 'Messages wait here while their agent is busy. Those that agents take at once never come here.'],
		filters: [
			{name: 'state', kind: 'chips', label: 'Filter by state', values: Object.keys(states), titles: states, numbers: () => (target ? {} : overview.fleet?.queue ?? {})},
			{name: 'q', kind: 'search', label: 'Search messages', hint: 'Search id, error or trace'},
			!target && {name: 'target', kind: 'workspace', label: 'Target', placeholder: 'Any target'},
			{name: 'caller', kind: 'workspace', label: 'Caller', placeholder: 'Any caller', extra: [['console', 'A person']]},
			{name: 'method', kind: 'text', label: 'Method', hint: 'Any method'},
			{name: 'older_than', kind: 'select', isNumber: true, label: 'Age', options: [['', 'Any age'], ['60', 'Older than a minute'], ['900', 'Older than 15 min'], ['3600', 'Older than an hour'], ['86400', 'Older than a day']], describe: (seconds) => `Older than ${shortDuration(seconds)}`},
			{name: 'min_attempts', kind: 'select', isNumber: true, label: 'Attempts', options: [['', 'Any attempts'], ...[1, 2, 3, 4, 5].map((number) => [String(number), `${number} or more attempts`])]},
		],
		above: bulk.element,
		drawn: ({total}) => canWrite() && bulk.show({filter: {...view.bar.chosen(view.params), ...(target && {target})}, total}),
		load(query, cursor) {
			return readPage('/admin/queue', 'items', {...query, ...(target && {target}), limit: 100, cursor}, (item) => {
				learnName(item.workspace_id, item.target_name);
				learnName(item.caller_id, item.caller_name);
			});
		},
		details: async (id) => ['Message', itemDetails(await get(`/admin/queue/${id}`), () => view.renew())],
		table: {
			label: 'Messages', key: (item) => item.queue_id, phoneHeight: 88,
			columns: [
				['state', 'State', '112px', (item) => pill(item.state), {phone: 'side'}],
				!target && ['target', 'Target', 'minmax(140px, 1.4fr)', (item) => workspaceLink(item.workspace_id, item.target_name), {phone: 'title'}],
				['caller', 'Caller', 'minmax(110px, 1fr)', callerOf, {phone: target ? 'title' : 'meta'}],
				['method', 'Method', 'minmax(112px, .8fr)', (item) => clipped(item.method)],
				['attempts', 'Attempts', '84px', attemptsOf, {number: true}],
				['age', 'Stored', '118px', (item) => relative(item.enqueued_at), {number: true, phone: 'meta'}],
				['next', 'Next attempt', '122px', (item) => (item.state === 'retrying' ? relative(item.next_attempt_at, 'until') ?? 'next heartbeat' : null) ?? h('span.faint', item.position ? `position ${item.position}` : '–')],
				['error', 'Last error', 'minmax(150px, 2fr)', (item) => clipped(item.last_error ?? ''), {phone: 'sub'}],
			],
		},
	});

	async function act(action, {filter}) {
		const explain = ({matched, left}) => [
			h('p.strong', {'data-plan': matched}, matched ? `${plural(matched, 'message')} can be changed in this way.` : 'No message that matches can be changed in this way.'),
			matched > 0 && h('p', action.effect), left > 0 && h('p', `${count(left)} of them are left: repeat it for them.`),
		];
		const result = await actAsPlanned(action, `/admin/queue/${action.name}`, {filter}, {one: 'message', numberOf: (plan) => plan.matched, explain});
		if (!result) return;
		notify(`${action.label}: ${plural(result.changed, 'message')} changed${result.left ? `, ${count(result.left)} left` : ''}.`);
		void view.refresh();
		overview.refresh();
	}

	const tick = () => view.bar.sync(view.params);
	overview.addEventListener('change', tick);
	return {
		...view,
		events(batch) {
			const mine = batch.filter((event) => event.type.startsWith('A2A_') && event.type !== 'A2A_RESPONSE' && (!target || event.workspace_id === target));
			if (!mine.length) return;
			view.reloadSoon();
			if (mine.some((event) => event.data?.queue_id === view.opened)) view.reopenSoon();
		},
		leave() {
			overview.removeEventListener('change', tick);
			view.leave();
		},
	};
}

const callerOf = (item) => (item.caller_id ? workspaceLink(item.caller_id, item.caller_name) : h('span', item.schedule_id ? 'a schedule' : 'a person'));
const attemptsOf = (item) => h('span', {title: `${plural(item.attempts, 'counted attempt')}, ${plural(item.refusals, 'refusal')}`}, String(item.attempts), item.refusals > 0 && h('span.sub', ` +${item.refusals}`), item.delivery_uncertain && h('span.warn-text', {title: 'An earlier try may have arrived'}, ' ?'));

function itemDetails(item, changed) {
	const act = async (name) => {
		const action = actions[name];
		if (action.danger && !(await confirmDialog({title: `${action.label} this message?`, body: h('p', 'It is never delivered. A delegation that it carries fails.'), action: action.label, danger: true}))) return;
		await attempt(`${action.label}: the message was not changed`, async () => {
			if (!(await post(`/admin/queue/${name}`, {filter: {ids: [item.queue_id]}, dry_run: false})).changed) throw new Error('Its state has changed meanwhile.');
		}, action.done);
		changed();
	};
	const isWaiting = item.state === 'waiting' || item.state === 'retrying';
	return h('div.details',
		h('div.detail-line', pill(item.state), h('span.hint', states[item.state])),
		canWrite() && fits[item.state] && h('div.row-actions', fits[item.state].map((name) => button(actions[name].label, actions[name].icon, () => act(name), {kind: actions[name].danger ? 'danger-quiet' : 'primary', 'data-act': name}))),
		item.last_error && h('div.notice.warn', h('p', item.last_error)),
		item.delivery_uncertain && h('p.hint', 'An earlier try may have arrived: the agent is told by X-Delivery-Attempt.'),
		facts([
			['For', workspaceLink(item.workspace_id, item.target_name)], ['From', callerOf(item)], ['Next attempt', item.state === 'retrying' && relative(item.next_attempt_at, 'until')], ['Position', item.position],
			['Attempts', `${item.attempts} counted, ${item.refusals} refused`], ['Stored', relative(item.enqueued_at)], ['Handed over', relative(item.dispatched_at)], ['Ended', relative(item.completed_at)], ['Expires', isWaiting && relative(item.expires_at, 'until')],
			['Method', item.method], ['Priority', {100: 'critical', 50: 'task', 10: 'info'}[item.priority] ?? item.priority], ['Body', item.body_bytes !== undefined && bytes(item.body_bytes)],
			['Delegation', item.delegation_id && h('a', {href: href('workspace', item.caller_id ?? item.workspace_id, {tab: 'delegations'})}, shortID(item.delegation_id))],
			['Schedule', item.schedule_id && h('a', {href: href('workspace', item.workspace_id, {tab: 'schedules', open: item.schedule_id})}, shortID(item.schedule_id))],
			['Trace', item.trace_id && [h('code', item.trace_id), copyButton(item.trace_id, 'Copy the trace id')]], ['Id', [h('code', item.queue_id), copyButton(item.queue_id, 'Copy the id')]],
		], 'one'),
		h('h3', 'What happened'), timeline(item.attempts_log ?? []), bodies(item));
}

const steps = {
	enqueued: ['Stored', 'waiting'], claimed: ['Handed to the agent', 'running'], refused: ['Refused: certainly not delivered', 'skipped'], failed: ['Failed', 'failed'], uncertain: ['No answer: it may have arrived', 'late'],
	delivered: ['Delivered', 'delivered'], dropped: ['Dropped', 'dropped'], expired: ['Expired', 'late'], retried: ['Retried by a person', 'retrying'],
};

function timeline(log) {
	if (!log.length) return h('p.hint', 'Nothing is on record.');
	return h('ol.timeline', log.map((step) => {
		const [words, shape] = steps[step.kind] ?? [title(step.kind), 'unknown'];
		return h('li', statusShape(shape), h('div', h('p', words, step.status && h('span.sub', ` status ${step.status}`), ' ', h('span.sub', relative(step.at))), step.error && h('p.sub.bad-text', step.error)));
	}));
}

function bodies(item) {
	const place = h('div');
	const part = (label, body, none) => [h('h3', label), body === null || body === undefined ? h('p.hint', none) : jsonBlock(body, label)];
	const show = () => load(place, 'The body could not be read', () => get(`/admin/queue/${item.queue_id}/body`), (body) =>
		fill(place, body.is_private && h('p.hint', 'Marked private.'), part('Message', body.request, 'It is no longer kept.'), part('Answer', body.response, item.state === 'delivered' ? 'It is no longer kept.' : 'There is none yet.')));
	return fill(place, button('Show the message and its answer', null, show, {'data-act': 'body'}));
}

function deadLetters({drawer}) {
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
