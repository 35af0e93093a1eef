// The live tail of what happens in the fleet.

import {addressed, button, closeDrawer, copyButton, count, emptyState, exact, facts, fill, filterBar, frame, get, h, jsonBlock, notifyError, plural, relative, setParams, setText, timeOfDay, workspaceLink} from './kit.js';

const capacity = 2000;
const heartbeat = 'WORKSPACE_HEARTBEAT';
const groups = {
	WORKSPACE: 'ONLINE DEGRADED OFFLINE PROVISIONING PROVISION_FAILED AWAITING_AGENT PAUSED HIBERNATED REMOVED UPDATED HEARTBEAT', TASK: 'UPDATED', AGENT: 'MESSAGE CARD_UPDATED', ACTIVITY: 'LOGGED',
	A2A: 'QUEUED COMPLETED FAILED DROPPED RESPONSE', DELEGATION: 'SENT STATUS COMPLETE FAILED', CRON: 'FIRED EXECUTED SKIPPED', SWEEP: 'HELD RELEASED', STREAM: 'LAGGED RESET',
};
const types = Object.entries(groups).flatMap(([group, names]) => [[`${group}_`, `${group}_…`], ...names.split(' ').map((name) => [`${group}_${name}`, `${group}_${name}`])]);

export function eventsScreen({drawer}) {
	let params = new URLSearchParams();
	let kept = [];
	let held = [];
	let isPaused = false;
	let dropped = 0;
	let readFor = null;
	const summary = h('p.summary');
	const bar = filterBar([{name: 'type', kind: 'select', label: 'Type', options: [['', 'All but heartbeats'], ['*', 'All, heartbeats too'], ...types]}, {name: 'workspace', kind: 'workspace', label: 'Workspace', placeholder: 'Any workspace'}]);
	const pause = button('Pause', 'pause', () => setPaused(!isPaused), {'aria-pressed': 'false', 'data-act': 'pause'});
	const table = document.createElement('data-table');
	const screen = frame('Events', {summary, actions: pause}, h('div.toolbar', bar.controls), h('div.table-place', table));

	table.configure({
		label: 'Events, newest first', rowHeight: 36, phoneHeight: 78, key: (event) => event.key, open: (event) => setParams({open: event.key}, {push: true}),
		columns: [
			['time', 'Time', '84px', (event) => h('span', {title: exact(event.timestamp)}, timeOfDay(event.timestamp)), {phone: 'meta'}],
			['type', 'Type', 'minmax(190px, .9fr)', (event) => h('span.mono.clip', event.type), {phone: 'title'}],
			['workspace', 'Workspace', 'minmax(130px, .8fr)', (event) => workspaceLink(event.workspace_id) ?? h('span.faint', 'the platform'), {phone: 'meta'}],
			['what', 'What', 'minmax(200px, 2fr)', (event) => h('span.clip', line(event)), {phone: 'sub'}],
		],
	});

	function matches({type, workspace_id: id}) {
		const wanted = params.get('type');
		if (params.get('workspace') && id !== params.get('workspace')) return false;
		if (!wanted) return type !== heartbeat;
		return wanted === '*' || (wanted.endsWith('_') ? type.startsWith(wanted) : type === wanted);
	}

	async function readOld() {
		const id = params.get('workspace');
		readFor = id ?? '';
		try {
			const rows = await get(id ? `/events/${id}` : '/events');
			const known = new Set(kept.map((event) => event.key));
			const old = rows.map((row) => ({type: row.event_type, workspace_id: row.workspace_id, timestamp: Date.parse(row.created_at), data: row.payload})).filter((event) => isNew(event, known));
			kept = kept.concat(old).sort((a, b) => b.timestamp - a.timestamp).slice(0, capacity);
		} catch (error) {
			notifyError('Earlier events could not be read', error);
		}
		draw();
		follow();
	}

	function setPaused(paused) {
		isPaused = paused;
		pause.setAttribute('aria-pressed', paused);
		fill(pause, ...button(paused ? 'Resume' : 'Pause', paused ? 'play' : 'pause').childNodes);
		if (!paused) kept = held.concat(kept).slice(0, capacity);
		held = [];
		dropped = 0;
		draw();
	}

	function draw() {
		const shown = kept.filter(matches);
		table.rows = shown;
		setText(summary, isPaused ? `Paused with ${plural(shown.length, 'event')}; ${count(held.filter(matches).length + dropped)} came since` : `${plural(shown.length, 'event')} shown, of the last ${count(kept.length)}`);
		fill(table.foot, !shown.length && emptyState(bar.isActive(params) ? 'No event matches yet.' : 'Nothing has happened yet.', 'Events appear here the moment they happen. Leave this open, or choose another type or workspace.'));
	}

	const follow = addressed(drawer, (key) => {
		const event = kept.find((one) => one.key === key);
		if (!event) return false;
		const {key: ours, ...whole} = event;
		drawer.show(event.type, h('div.details', facts([['When', relative(event.timestamp)], ['Workspace', workspaceLink(event.workspace_id)]], 'one'), h('div.detail-line', h('h3', 'The whole event'), copyButton(JSON.stringify(whole, null, 2), 'Copy the event')), jsonBlock(whole, 'The whole event')), closeDrawer);
		return true;
	});

	return {
		...screen, refresh: readOld,
		update(route) {
			params = new URLSearchParams(route.params);
			bar.sync(params);
			if (readFor !== (params.get('workspace') ?? '')) void readOld();
			follow();
			draw();
		},
		events(batch) {
			const known = new Set(kept.map((event) => event.key));
			const fresh = batch.filter((event) => (event.type !== heartbeat || ['*', 'WORKSPACE_', heartbeat].includes(params.get('type'))) && isNew(event, known)).reverse();
			if (!fresh.length) return;
			const all = fresh.concat(isPaused ? held : kept);
			if (isPaused) {
				dropped += Math.max(0, all.length - capacity);
				held = all.slice(0, capacity);
			} else kept = all.slice(0, capacity);
			draw();
		},
	};
}

/** A live event and its durable row have the same key, which a link finds elsewhere, too. */
function isNew(event, known) {
	const {type, workspace_id: id, timestamp, data} = event;
	event.key = `${type} ${id} ${timestamp} ${JSON.stringify(data)?.slice(0, 60)}`;
	return !known.has(event.key) && known.add(event.key);
}

function line({type, data}) {
	if (!data || typeof data !== 'object') return '';
	if (type === heartbeat) return `${data.active_tasks}/${data.max_concurrent_tasks} tasks`;
	const told = data.sample_error || data.error || data.reason || data.message || data.summary || data.current_task || data.response_preview || data.task_preview || data.schedule_name || data.name;
	return [told, data.status, data.queue_depth && `queue ${data.queue_depth}`, data.attempts && `${data.attempts} attempts`, data.recovered_from && `was ${data.recovered_from}`, data.dropped && `${data.dropped} events missed`].filter(Boolean).join(' · ').slice(0, 300);
}
