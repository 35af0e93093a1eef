// What can be done with workspaces, and the questions before it.

import {attempt, button, canWrite, confirmDialog, count, fill, h, notify, notifyError, pill, plural, post, remove, request, simpleTable, tell, title} from './kit.js';

export const lifecycle = [
	{name: 'pause', label: 'Pause', icon: 'pause', fits: (status) => !['paused', 'removed'].includes(status), effect: 'It stops, with everything below it, and takes no messages until it is resumed.'},
	{name: 'resume', label: 'Resume', icon: 'play', fits: (status) => status === 'paused', effect: 'It starts again, with everything below it.'},
	{name: 'restart', label: 'Restart', icon: 'restart', fits: (status) => !['paused', 'hibernating', 'removed'].includes(status), effect: 'Its container is started anew; what it works on is interrupted and delivered again.'},
	{name: 'hibernate', label: 'Hibernate', icon: 'moon', fits: (status) => ['online', 'degraded'].includes(status), effect: 'It stops until the next message wakes it.'},
	{name: 'delete', label: 'Delete', icon: 'trash', danger: true, fits: (status) => status !== 'removed', effect: 'It is removed with everything below it: tokens are revoked, schedules end, queued messages are dropped. This cannot be undone.'},
];

export const actionsFor = (workspace) => (canWrite() ? lifecycle.filter((action) => action.fits(workspace.status)) : []);

export async function actOn(workspace, action, done = () => {}) {
	const name = workspace.name;
	if (action.name === 'delete') return deleteOne(workspace, done);
	const isForced = action.name === 'hibernate' && workspace.active_tasks > 0;
	if (action.name !== 'resume') {
		const body = [h('p', h('strong', name)), h('p', action.effect), isForced && h('p', `It works on ${plural(workspace.active_tasks, 'task')}, which would be interrupted.`)];
		if (!(await confirmDialog({title: `${action.label} this workspace?`, body, action: action.label, danger: isForced}))) return;
	}
	await attempt(`${name} could not be changed: ${action.label.toLowerCase()}`, () => request('POST', `/workspaces/${workspace.id}/${action.name}`, {query: isForced && {force: 'true'}}), `${action.label}: ${name}.`);
	done();
}

async function deleteOne(workspace, done) {
	const ask = (question, body, action) => confirmDialog({title: question, body, action, danger: true});
	if (!(await ask('Delete this workspace?', [h('p', h('strong', workspace.name)), h('p', lifecycle.at(-1).effect)], 'Delete'))) return;
	try {
		await remove(`/workspaces/${workspace.id}`);
	} catch (error) {
		if (error.body?.status !== 'confirmation_required') {
			notifyError(`${workspace.name} could not be deleted`, error);
			return;
		}
		const {children, children_count: total} = error.body;
		const body = [
			h('p', `Below it ${total === 1 ? 'is' : 'are'} ${plural(total, 'workspace')}, which would be deleted, too:`),
			h('ul', children.slice(0, 20).map((child) => h('li', child.name))),
			total > 20 && h('p', `… and ${count(total - 20)} more.`),
		];
		if (!(await ask('Delete all of them?', body, `Delete ${count(total + 1)} workspaces`))) return;
		if (!(await attempt(`${workspace.name} could not be deleted`, () => remove(`/workspaces/${workspace.id}`, {confirm: 'true'})))) return;
	}
	notify(`Deleted: ${workspace.name}.`);
	done();
}

/** Counts what an action on many would touch, has a person confirm what `explain(plan)` says of it, and answers what was done. */
export async function actAsPlanned(action, path, request, {one, numberOf, explain}) {
	let plan;
	try {
		plan = await post(path, {...request, dry_run: true});
	} catch (error) {
		return notifyError(`What “${action.label}” would touch could not be counted`, error);
	}
	const number = numberOf(plan);
	if (!number) return void await tell(`${action.label}: nothing to do`, explain(plan));
	if (!(await confirmDialog({title: `${action.label} ${plural(number, one)}?`, body: explain(plan), action: `${action.label} ${count(number)}`, danger: action.danger}))) return null;
	return attempt(`${action.label} failed`, () => post(path, {...request, confirm: plan.workspaces?.some((one) => one.is_below), dry_run: false}));
}

/** Does one action on the workspaces with the `ids`, or that a `filter` finds. The plan names what is below. */
export async function actOnMany(selection, action, done = () => {}) {
	const numberOf = ({touched}) => touched;
	const explain = (plan) => [
		h('p.strong', {'data-plan': plan.touched}, plan.touched ? `${action.label} ${plural(plan.touched, 'workspace')}: of ${count(plan.matched)} that ${selection.ids ? 'are selected' : 'match and can be changed so'}, and below them.` : `${plural(plan.matched, 'workspace')} matched, and none would change.`),
		plan.touched > 0 && h('p', action.effect.replace(/^It is/, 'Each is').replace(/^Its/, 'Each one’s').replace(/^It /, 'Each one ')),
		plan.left > 0 && h('p', `${count(plan.left)} more are left: a thousand at most go at once. They come next.`),
		plan.workspaces.length > 0 && planList(plan),
	];
	const result = await actAsPlanned(action, '/workspaces/bulk', {...selection, action: action.name, confirm: true}, {one: 'workspace', numberOf, explain});
	if (!result) return;
	const failures = result.workspaces.filter((workspace) => workspace.result === 'failed');
	if (failures.length) await tell(`${action.label}: ${count(result.changed)} done, ${count(failures.length)} failed`, [planList({workspaces: failures})]);
	else notify(`${action.label}: ${plural(result.changed, 'workspace')} changed.`);
	if (result.next_cursor) return actOnMany({...selection, cursor: result.next_cursor}, action, done);
	done();
}

/** The bar over a list: what can be done with those that are selected, or else with all that its filters find. */
export function bulkBar(one, actions, act) {
	const element = h('div.bulk', {hidden: true, role: 'region', 'aria-label': 'Actions on many'});
	let shown = null;

	/** `ids` are selected; without, `filter` finds `total`. An empty filter means nothing, never everything. */
	function show({ids = [], filter = {}, total, clear}) {
		const isByFilter = !ids.length && total > 0 && Object.keys(filter).length > 0;
		element.hidden = !ids.length && !isByFilter;
		// A person may be on one of its buttons.
		const key = JSON.stringify([ids, filter, total]);
		if (element.hidden || key === shown) return;
		shown = key;
		const words = isByFilter ? (total === 1 ? 'The one that matches:' : `All ${count(total)} that match:`) : `${plural(ids.length, one)} selected${ids.length > 1000 ? '; the first 1,000 are taken at once' : ''}:`;
		fill(element, h('span.strong', {role: 'status'}, words),
			actions.map((action) => button(`${action.label}…`, action.icon, () => act(action, isByFilter ? {filter} : {ids: ids.slice(0, 1000)}), {kind: action.danger ? 'danger-quiet' : '', 'data-bulk': action.name})),
			!isByFilter && button('Clear', null, clear, 'quiet'));
	}

	return {element, show};
}

const longestPlan = 200;

function planList(plan) {
	const rows = plan.workspaces.slice(0, longestPlan).map(({id, name, status, result, error}) => [name ?? id, status && pill(status), error ? `${title(result)}: ${error}` : title(result)]);
	return h('div.plan', simpleTable('Workspaces that this touches', ['Workspace', 'Status', 'What happens'], rows), plan.workspaces.length > longestPlan && h('p.hint', `… and ${count(plan.workspaces.length - longestPlan)} more.`));
}
