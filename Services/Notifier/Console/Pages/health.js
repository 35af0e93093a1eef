// The platform itself: instances, stores, passes, and the mass-offline guard.

import {attempt, button, canWrite, confirmDialog, count, duration, emptyState, fill, frame, get, h, load, milliseconds, pill, plural, post, relative, setText, simpleTable, title, words} from './kit.js';
import {block} from './access.js';

const period = 5000;
const services = ['registry', 'a2a-proxy', 'scheduler', 'notifier', 'sweeper'];

export function healthScreen() {
	const summary = h('p.summary', {role: 'status'});
	const instances = h('div');
	const stores = h('div');
	const guard = h('div');
	const events = h('div');
	const passes = h('div');
	const screen = frame('Health', {summary, kind: 'scrolls'},
		h('div.blocks', block('Instances', 'As they announce themselves. Two of each service are usual; either may be away.', instances), block('Stores', 'As the instances see them.', stores), block('Mass-offline guard', 'When too many workspaces fall silent at once, the platform doubts itself first.', guard), block('Events', 'Committed with the change they report, then published.', events), block('Passes', 'What heals: each with its last success.', passes)));

	const readInstances = () => load(instances, 'The instances could not be read', () => get('/admin/instances'), (answer) => {
		const list = [...answer.instances].sort((a, b) => services.indexOf(a.service) - services.indexOf(b.service) || a.instance.localeCompare(b.instance));
		const bad = list.filter((one) => !one.is_ready || !one.is_alive);
		setText(summary, bad.length ? `${plural(bad.length, 'instance')} of ${list.length} not ready` : `All ${plural(list.length, 'instance')} ready`);
		put(instances, list.length ? simpleTable('Instances', ['Service', 'Instance', 'State', 'Since', 'Address', 'Version', 'Up for', 'Heard of'], list.map((one) => [
			h('strong', one.service), h('code', one.instance), pill(!one.is_alive ? 'silent' : one.is_ready ? 'ready' : 'not_ready'), bad.includes(one) && relative(one.not_ready_since ?? one.last_seen_at, 'for'),
			h('code', one.address), one.version, relative(one.started_at, 'for'), relative(one.last_seen_at)])) : emptyState('No instance has announced itself.', 'The sweeper collects announcements; when it is away nothing is known here.'));
		const names = [...new Set(list.flatMap((one) => Object.keys(one.dependencies ?? {})))].sort();
		put(stores, simpleTable('Stores', ['Store', 'State', 'Seen by'], names.map((name) => {
			const without = list.filter((one) => one.is_alive && one.dependencies?.[name] === 'down');
			return [h('strong', name === 'rabbitmq' ? 'RabbitMQ' : title(name)), pill(without.length ? 'down' : 'up'), without.length ? `out of reach for ${without.map((one) => one.instance).join(', ')}` : 'every live instance'];
		})));
		const {count: number, oldest_seconds: oldest} = answer.unpublished_events;
		put(events, h('p', number ? `${plural(number, 'event')} committed and not yet published, the oldest for ${duration(oldest ?? 0)}.` : 'Every committed event is published.'));
	});

	const readGuard = () => load(guard, 'The guard’s state could not be read', () => get('/admin/sweeps/guard'), (answer) => put(guard, [['ours', 'Workspaces with a container of ours'], ['remote', 'External workspaces']].map(([scope, label]) => guardLine(scope, label, answer[scope]))));

	function guardLine(scope, label, state) {
		const since = state.held_since && [' since ', relative(state.held_since)];
		const numbers = `${count(state.silent)} of ${count(state.running)} running are silent, ${count(state.late)} late`;
		const reason = {grace: 'the platform or its database has just started', too_many_silent: 'too many fell silent at once', ingest_trouble: 'heartbeats do not get through on our side', no_heartbeats: 'no heartbeat has arrived from anybody'}[state.reason];
		const sentence = state.held ? [`Holding: ${reason ?? 'no reason given'}`, since, `. ${numbers}. `, state.holds_until && ['It lets go ', relative(state.holds_until, 'until'), `, then ${count(state.allowance)} a minute.`]] : [`Not holding: ${numbers}. Up to ${count(state.allowance)} may go offline in a pass.`];
		const release = async () => {
			const body = [h('p', `${plural(state.silent, 'workspace')} silent now would be taken offline within one period, although the guard doubts it.`), h('p', 'Do this when you know that they are dead. Those that are heard of before stay.')];
			if (!(await confirmDialog({title: 'Release the guard?', body, action: `Take ${count(state.silent)} offline`, danger: true}))) return;
			await attempt('The guard was not released', () => post('/admin/sweeps/guard/release', {scope}), (answer) => `${plural(answer.released, 'workspace')} will be taken offline.`);
			void refresh();
		};
		return h('div', {class: `notice ${state.held ? 'warn' : 'quiet'}`}, h('div.grow', h('p.strong', label, ' ', pill(state.held ? 'holding' : 'ok')), h('p', sentence), state.released_by && h('p.hint', `Released by ${state.released_by}.`)), canWrite() && state.held && button('Release…', null, release, {kind: 'danger-quiet', 'data-act': 'release'}));
	}

	const readPasses = () => load(passes, 'The passes could not be read', () => get('/admin/liveness'), (answer) => {
		const list = Object.entries(answer.subsystems).sort(([a, x], [b, y]) => Boolean(y.last_error) - Boolean(x.last_error) || a.localeCompare(b));
		put(passes, list.length ? simpleTable('Passes', ['Pass', 'State', 'Last success', 'Took', 'Did', 'Error since'], list.map(([name, pass]) => [
			h('strong', words(name)), pill(pass.last_error ? 'failing' : 'ok'), relative(pass.last_tick_at) ?? 'never', milliseconds(pass.duration_ms), Object.entries(pass.counts ?? {}).map(([what, number]) => `${words(what)} ${count(number)}`).join(', '), pass.last_error ? h('span.bad-text', pass.last_error) : '']))
			: emptyState('No pass has reported.', 'The sweeper and the scheduler report after their first pass.'));
	});

	function put(place, content) {
		const selection = getSelection();
		const stops = () => [...place.querySelectorAll('[tabindex], a, button')];
		const held = stops().indexOf(document.activeElement);
		if (selection.toString() && selection.containsNode(place, true)) return;
		fill(place, content);
		stops()[held]?.focus();
	}

	const refresh = () => Promise.all([readInstances(), readGuard(), readPasses()]);
	const timer = setInterval(() => document.hidden || refresh(), period);
	return {
		...screen, refresh,
		update: () => void refresh(),
		events: (batch) => batch.some((event) => event.type.startsWith('SWEEP_')) && void readGuard(),
		leave: () => clearInterval(timer),
	};
}
