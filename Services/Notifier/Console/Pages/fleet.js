// The fleet: counts that are filters, and a table that is the tree.

import {button, canWrite, cents, clipped, count, fill, h, href, icon, iconButton, learnName, listScreen, listView, nameOf, navigate, pill, plural, readPage, relative, setParams, shortDuration} from './kit.js';
import {actOnMany, bulkBar, lifecycle} from './actions.js';
import {createWorkspace} from './forms.js';
import {overview} from './overview.js';

/** Up to this many are read at once and shown as a tree; larger fleets come by pages, in the server's order. */
const treeLimit = 2000;
const statuses = ['online', 'degraded', 'failed', 'offline', 'provisioning', 'awaiting_agent', 'paused', 'hibernating', 'hibernated'];
const explained = ['degraded', 'failed', 'offline'];
/** The status that an event of a workspace's life tells, if it is one. */
const statusAfter = (type) => (type === 'WORKSPACE_PROVISION_FAILED' ? 'failed' : [...statuses, 'removed'].find((name) => type === `WORKSPACE_${name.toUpperCase()}`));

/** Applies an event to a workspace that is shown. Answers whether it is one that changes it. */
export function applyToWorkspace(workspace, {type, data, timestamp}) {
	if (type === 'WORKSPACE_HEARTBEAT') {
		const {active_tasks, max_concurrent_tasks, uptime_seconds} = data;
		Object.assign(workspace, {active_tasks, max_concurrent_tasks, uptime_seconds, last_heartbeat_at: new Date(timestamp).toISOString()});
		if (!active_tasks) workspace.current_task = '';
	} else if (type === 'TASK_UPDATED') {
		Object.assign(workspace, {current_task: data.current_task, active_tasks: data.active_tasks});
	} else if (statusAfter(type)) {
		Object.assign(workspace, {status: statusAfter(type), status_reason: data.sample_error || data.error || data.reason || null});
		if (type === 'WORKSPACE_ONLINE') workspace.last_sample_error = '';
	} else if (type === 'A2A_QUEUED') {
		workspace.queue_depth = data.queue_depth;
	} else {
		return false;
	}
	return true;
}

export const reasonOf = (workspace) => (explained.includes(workspace.status) ? workspace.status_reason || workspace.last_sample_error || '' : '');

const newButton = (kind) => canWrite() && button('New workspace', 'plus', createWorkspace, kind);

export function fleetScreen() {
	const collapsed = new Set();
	const byID = new Map();
	let isStale = false;
	const attention = h('div');
	const bulk = bulkBar('workspace', lifecycle, act);

	const view = listView({
		one: 'workspace', failure: 'The fleet could not be read', sorts: ['sort', 'order'], arrange,
		none: ['There is no workspace yet.', 'One appears here when you create it, or when an agent registers.', newButton()],
		filters: [
			{name: 'status', kind: 'chips', label: 'Filter by status', values: statuses, numbers: () => (overview.fleet ? {'': overview.fleet.total, ...overview.fleet.by_status} : {}), more: queueChips},
			{name: 'q', kind: 'search', label: 'Search the fleet', hint: 'Search name, role or id'},
			{name: 'runtime', kind: 'text', label: 'Runtime', hint: 'Any runtime'},
			{name: 'parent_id', kind: 'workspace', label: 'Directly below', placeholder: 'Any parent'},
		],
		above: bulk.element,
		load: (query, cursor) => readPage('/admin/workspaces', 'workspaces', {...query, sort: query.sort ?? 'name', limit: 500, cursor}, (workspace) => learnName(workspace.id, workspace.name)),
		drawn(list) {
			showBulk();
			if (!list.error && list.next && list.total <= treeLimit) void list.more();
		},
		table: {
			label: 'Workspaces', rowHeight: 46, phoneHeight: 92, selectable: canWrite(), select: showBulk,
			open: (entry) => navigate('workspace', entry.id), level: (entry) => entry.level, expanded: (entry) => (entry.children ? !collapsed.has(entry.id) : undefined), toggle,
			sorted: (sort, order) => setParams({sort: sort === 'name' && order === 'asc' ? null : sort, order: order === 'asc' ? null : order}), nearEnd: () => view.list.total > treeLimit && view.list.more(),
			columns: [
				['name', 'Name', 'minmax(170px, 2.2fr)', nameCell, {sort: 'name', phone: 'title'}],
				['status', 'Status', 'minmax(144px, 1.1fr)', statusCell, {sort: 'status', phone: 'side'}],
				['role', 'Role', 'minmax(72px, 1.4fr)', ({row}) => clipped(row.role ?? ''), {sort: 'role'}],
				['runtime', 'Runtime', '92px', ({row}) => clipped(row.runtime), {sort: 'runtime'}],
				['task', 'Task', 'minmax(86px, 1.6fr)', ({row}) => clipped(row.current_task || (row.active_tasks ? 'Working' : '')), {phone: 'sub'}],
				['load', 'Load', '48px', ({row}) => h('span', {class: row.active_tasks >= row.max_concurrent_tasks ? 'strong' : '', title: `${plural(row.active_tasks, 'task')} of ${row.max_concurrent_tasks} at once`}, `${row.active_tasks}/${row.max_concurrent_tasks}`), {sort: 'active_tasks', number: true}],
				['queue', 'Queue', '72px', queueCell, {sort: 'queue_depth', number: true, phone: 'meta'}],
				['heartbeat', 'Heartbeat', '88px', ({row}) => relative(row.last_heartbeat_at, 'ago', {short: true}) ?? 'never', {sort: 'last_heartbeat_at', number: true, phone: 'meta'}],
				['spend', 'Spend', '112px', spendCell, {sort: 'monthly_spend', number: true}],
			],
		},
	});
	view.element.prepend(attention);

	const isFlat = () => view.list.total > treeLimit;

	function arrange(rows) {
		byID.clear();
		for (const row of rows) byID.set(row.id, row);
		const entries = [];
		if (isFlat()) {
			for (const row of rows) entries.push({id: row.id, row, level: 0, children: 0});
		} else {
			const children = Map.groupBy(rows, (row) => (row.path ?? []).findLast((id) => byID.has(id)) ?? null);
			const walk = (parent, level) => {
				for (const row of children.get(parent) ?? []) {
					entries.push({id: row.id, row, level, children: children.get(row.id)?.length ?? 0});
					if (!collapsed.has(row.id)) walk(row.id, level + 1);
				}
			};
			walk(null, 0);
		}
		return entries;
	}

	function toggle({id}) {
		if (!collapsed.delete(id)) collapsed.add(id);
		view.draw();
	}

	function nameCell(entry) {
		const {row} = entry;
		const isOpen = !collapsed.has(row.id);
		const parent = isFlat() && row.path?.at(-1);
		const cell = h('div.tree-name',
			entry.children > 0 ? iconButton(isOpen ? 'Collapse' : 'Expand', isOpen ? 'down' : 'right', () => toggle(entry), {class: 'twisty'}) : h('span.twisty'),
			h('div.two-lines', h('a.name', {href: href('workspace', row.id), title: row.name}, row.name), parent && h('span.sub', 'in ', h('a', {href: href('fleet', null, {parent_id: parent})}, nameOf(parent)))),
			!isOpen && h('span.sub', `+${count(row.child_count)}`), isFlat() && row.child_count > 0 && h('a.sub', {href: href('fleet', null, {parent_id: row.id})}, `${count(row.child_count)} below`));
		cell.style.setProperty('--level', Math.min(entry.level, 12));
		return cell;
	}

	function showBulk() {
		if (canWrite()) bulk.show({ids: view.table.selected, filter: view.bar.chosen(view.params), total: view.list.total, clear: () => view.table.clearSelection()});
	}

	function act(action, selection) {
		return actOnMany(selection, action, () => {
			view.table.clearSelection();
			void view.refresh();
		});
	}

	function queueChips() {
		const {queue, calls_in_flight: calls} = overview.fleet ?? {};
		if (!queue) return null;
		const oldest = queue.oldest_waiting_seconds;
		return [
			h('a.chip', {href: href('messages', null, {state: 'waiting,retrying'})}, h('span.chip-number', count(queue.waiting + queue.retrying)), h('span', `waiting${oldest === null ? '' : `, oldest ${shortDuration(oldest)}`}`)),
			h('span.chip.static', h('span.chip-number', count(calls)), h('span', 'calls in flight'))];
	}

	function drawOverview() {
		view.bar.sync(view.params);
		// What left a queue is not told with the depth that is left: that is read with the next counts.
		if (isStale) view.reloadSoon();
		isStale = false;
		const {problems, isComplete} = overview;
		fill(attention, isComplete && (problems.length
			? h('p.well.warn', icon('warn'), h('span', `${plural(problems.length, 'thing needs', 'things need')} attention:`), problems.map((problem) => h('a', {href: problem.href}, problem.text)))
			: h('p.well.good', icon('check'), 'All is well: nothing failed, late, stuck or unreachable.')));
	}

	overview.addEventListener('change', drawOverview);
	drawOverview();
	return {
		...listScreen('Fleet', view, newButton('primary')),
		events(batch) {
			const touched = new Set();
			for (const event of batch) {
				const {type, workspace_id: id} = event;
				const workspace = byID.get(id);
				if (type === 'WORKSPACE_REMOVED' || type === 'WORKSPACE_UPDATED' || (statusAfter(type) && (!workspace || view.params.get('status')))) view.reloadSoon();
				if (/^A2A_(COMPLETED|FAILED|DROPPED)$/.test(type)) isStale = true;
				if (workspace && applyToWorkspace(workspace, event)) touched.add(id);
			}
			view.table.touch(touched);
		},
		leave() {
			overview.removeEventListener('change', drawOverview);
			view.leave();
		},
	};
}

function statusCell({row}) {
	const reason = reasonOf(row);
	return h('div.two-lines', pill(row.status), reason && h('span.sub.reason', {title: reason}, reason));
}

function queueCell({row}) {
	if (!row.queue_depth) return h('span.faint', '0');
	return h('a', {href: href('messages', null, {target: row.id, state: 'waiting,retrying,running'})}, count(row.queue_depth), row.oldest_waiting_seconds > 0 && h('span.sub', ` · ${shortDuration(row.oldest_waiting_seconds)}`));
}

function spendCell({row: {monthly_spend: spend, budget_limit: limit}}) {
	if (limit === null || limit === undefined) return h('span.faint', spend ? cents(spend) : '–');
	const share = limit > 0 ? Math.min(1, spend / limit) : 1;
	const meter = h('span', {class: `meter ${share === 1 ? 'bad' : share > 0.8 ? 'warn' : ''}`, 'aria-hidden': 'true'}, h('span'));
	meter.firstChild.style.width = `${share * 100}%`;
	return h('span', {title: share === 1 ? 'The budget is spent: messages are refused' : ''}, h('span', {class: share === 1 ? 'bad-text' : ''}, `${cents(spend)} / ${cents(limit)}`), meter);
}
