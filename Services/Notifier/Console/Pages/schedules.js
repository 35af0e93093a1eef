// All schedules of the fleet, those in trouble first; and those of one workspace.

import {attempt, button, canWrite, clipped, confirmDialog, exact, facts, h, learnName, listScreen, listView, milliseconds, patch, pill, plural, post, readPage, relative, remove, statusShape, toneOf, workspaceLink} from './kit.js';
import {editSchedule} from './forms.js';

const explanations = {late: 'Its time has passed and it has not run', failing: 'Its last runs failed', stale: 'Its last run got no answer in time', skipped: 'Its last run was skipped', ok: 'All is well', paused: 'It does not run until it is resumed'};

const newButton = (options) => canWrite() && button('New schedule', 'plus', () => editSchedule(options));

export function schedulesScreen({drawer}) {
	const view = scheduleList({drawer});
	return {...listScreen('Schedules', view, newButton({done: view.refresh})), events: view.events};
}

export function schedulesTab({id, drawer}) {
	const view = scheduleList({drawer, workspaceID: id});
	return {...view, element: h('div.tab-content', h('div.toolbar', view.summary, h('span.spacer'), newButton({workspaceID: id, done: view.refresh})), view.element)};
}

function scheduleList({drawer, workspaceID = null}) {
	const nameOf = (row) => row.name || 'unnamed';
	const view = listView({
		one: 'schedule', failure: 'The schedules could not be read', drawer,
		none: ['There is no schedule yet.', 'A schedule sends an agent the same message again and again, such as every morning.', newButton({workspaceID, done: () => view.refresh()})],
		filters: [{name: 'condition', kind: 'chips', label: 'Filter by condition', values: Object.keys(explanations), titles: explanations}, !workspaceID && {name: 'q', kind: 'search', label: 'Search schedules', hint: 'Search name or workspace'}],
		load: (query, cursor) => readPage('/admin/schedules', 'schedules', {...query, workspace_id: workspaceID, limit: 100, cursor}, (row) => learnName(row.workspace_id, row.workspace_name)),
		drawn: () => view.opened && view.reopenSoon(),
		details: (id, row) => row && [nameOf(row), details(row)],
		table: {
			label: 'Schedules', rowHeight: 52, phoneHeight: 104,
			columns: [
				['condition', 'Condition', '100px', (row) => h('span', {title: explanations[row.condition]}, pill(row.condition)), {phone: 'side'}],
				['name', 'Schedule', 'minmax(144px, 1.5fr)', (row) => h('div.two-lines', clipped(nameOf(row), 'strong'), h('span.sub.clip', {title: `${row.cron_expr} ${row.timezone}`}, row.sentence?.replace(/\.$/, '') ?? `${row.cron_expr}, ${row.timezone}`)), {phone: 'title'}],
				!workspaceID && ['workspace', 'Workspace', 'minmax(110px, 1fr)', (row) => workspaceLink(row.workspace_id, row.workspace_name), {phone: 'sub'}],
				['next', 'Next run', '120px', (row) => (row.enabled ? relative(row.next_run_at, 'until') : null) ?? h('span.faint', 'paused'), {phone: 'meta'}],
				['last', 'Last outcome', 'minmax(140px, 1.1fr)', lastCell],
				['runs', 'Last 20 runs', '160px', (row) => strip(row.runs), {phone: 'meta'}],
				canWrite() && ['actions', 'Actions', '180px', (row) => h('div.row-actions.tight', runButton(row, 'quiet small'), pauseButton(row, 'quiet small'))],
			],
		},
	});

	const runButton = (row, kind) => button('Run now', 'play', async () => {
		await attempt(`${nameOf(row)} was not run`, () => post(`/workspaces/${row.workspace_id}/schedules/${row.id}/run`), `${nameOf(row)}: its message is in the queue.`);
		void view.renew();
	}, {kind, 'data-act': 'run'});

	const pauseButton = (row, kind) => button(row.enabled ? 'Pause' : 'Resume', row.enabled ? 'pause' : 'play', async () => {
		await attempt(`${nameOf(row)} was not changed`, () => patch(`/workspaces/${row.workspace_id}/schedules/${row.id}`, {enabled: !row.enabled}), `${row.enabled ? 'Paused' : 'Resumed'}: ${nameOf(row)}.`);
		void view.renew();
	}, kind);

	async function discard(row) {
		if (!(await confirmDialog({title: 'Delete this schedule?', body: h('p', h('strong', nameOf(row)), ' never runs again, and what it fired that still waits is dropped.'), action: 'Delete', danger: true}))) return;
		if (await attempt('The schedule was not deleted', () => remove(`/workspaces/${row.workspace_id}/schedules/${row.id}`), 'The schedule was deleted.')) view.close();
		void view.refresh();
	}

	function details(row) {
		return h('div.details', h('div.detail-line', pill(row.condition), h('span.hint', explanations[row.condition])),
			canWrite() && h('div.row-actions', runButton(row), pauseButton(row), button('Edit', 'edit', () => editSchedule({schedule: row, done: view.renew})), button('Delete', 'trash', () => discard(row), 'danger-quiet')),
			row.last_error && h('div.notice.warn', h('p', row.last_error)),
			facts([['When', row.sentence], ['Expression', h('code', row.cron_expr)], ['Zone', row.timezone], ['Workspace', workspaceLink(row.workspace_id, row.workspace_name)], ['Next run', row.enabled && row.next_run_at ? [relative(row.next_run_at, 'until'), ` (${exact(row.next_run_at)})`] : 'none while it is paused'], ['Runs so far', row.run_count], ['While one goes on', row.overlap === 'skip' ? 'the next is skipped' : 'the next is queued'], ['Runs missed', row.missed === 'once' ? 'made up for once' : 'left out']], 'one'),
			h('h3', 'What the agent is told'), h('p.pre', row.prompt),
			h('h3', `Last ${plural(row.runs.length, 'run')}`), row.runs.length > 0 && h('ol.timeline', row.runs.map((run) => h('li', statusShape(run.status), h('div', h('p', run.status, ' ', h('span.sub', relative(run.at), run.duration_ms !== null && `, took ${milliseconds(run.duration_ms)}`)), run.error && h('p.sub.bad-text', run.error))))));
	}

	return {...view, events: (batch) => batch.some((event) => event.type.startsWith('CRON_') && (!workspaceID || event.workspace_id === workspaceID)) && view.reloadSoon()};
}

function lastCell(row) {
	if (!row.last_run_at) return h('span.faint', 'not run yet');
	return h('div.two-lines', h('span.line', pill(row.last_status ?? 'unknown'), ' ', relative(row.last_run_at, 'ago', {short: true})), row.last_error && clipped(row.last_error, 'sub bad-text'));
}

/** The last runs, oldest at the left; each says its outcome by height and colour, and all of them in words. */
function strip(runs) {
	if (!runs.length) return h('span.faint', 'no runs');
	const counts = {};
	for (const run of runs) counts[run.status] = (counts[run.status] ?? 0) + 1;
	const words = Object.entries(counts).map(([status, number]) => `${number} ${status}`).join(', ');
	return h('span.runs', {role: 'img', 'aria-label': `${plural(runs.length, 'run')}: ${words}`}, [...runs].reverse().map((run) => h('span', {class: `run ${toneOf(run.status)} ${run.status}`, title: [run.status, exact(run.at), milliseconds(run.duration_ms), run.error].filter(Boolean).join(', ')})));
}
