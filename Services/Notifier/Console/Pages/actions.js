// What can be done with workspaces, and the questions before it.

import {attempt, canWrite, confirmDialog, count, h, notify, notifyError, pill, plural, post, remove, request, tell, title} from './kit.js';

export const lifecycle = [
	{name: 'pause', label: 'Pause', icon: 'pause', fits: (status) => !['paused', 'removed'].includes(status), effect: 'It stops, with everything below it, and takes no messages until it is resumed.'},
	{name: 'resume', label: 'Resume', icon: 'play', fits: (status) => status === 'paused', effect: 'It starts again, with everything below it.'},
	{name: 'restart', label: 'Restart', icon: 'restart', fits: (status) => !['paused', 'hibernating', 'removed'].includes(status), effect: 'Its container is started anew; what it works on is interrupted and delivered again.'},
	{name: 'hibernate', label: 'Hibernate', icon: 'moon', fits: (status) => ['online', 'degraded'].includes(status), effect: 'It stops until the next message wakes it.'},
	{name: 'delete', label: 'Delete', icon: 'trash', danger: true, fits: (status) => status !== 'removed', effect: 'It is removed with everything below it: tokens are revoked, schedules end, queued messages are dropped. This cannot be undone.'},
];

export const actionsFor = (workspace) => (canWrite() ? lifecycle.filter((action) => action.fits(workspace.status)) : []);

/** Does one action on one workspace, after a question where it interrupts something. */
export async function actOn(workspace, action, done = () => {}) {
	const name = workspace.name;
	if (action.name === 'delete') return deleteOne(workspace, done);
	if (action.name !== 'resume') {
		const body = [h('p', h('strong', name)), h('p', action.effect)];
		if (!(await confirmDialog({title: `${action.label} this workspace?`, body, action: action.label}))) return;
	}
	let query;
	if (action.name === 'hibernate' && workspace.active_tasks > 0) {
		const body = h('p', `It works on ${plural(workspace.active_tasks, 'task')}, which would be interrupted.`);
		if (!(await confirmDialog({title: 'Hibernate all the same?', body, action: 'Hibernate now', danger: true}))) return;
		query = {force: 'true'};
	}
	await attempt(`${name} could not be changed: ${action.label.toLowerCase()}`, () => request('POST', `/workspaces/${workspace.id}/${action.name}`, {query}), `${action.label}: ${name}.`);
	done();
}

async function deleteOne(workspace, done) {
	const body = [h('p', h('strong', workspace.name)), h('p', lifecycle.at(-1).effect)];
	if (!(await confirmDialog({title: 'Delete this workspace?', body, action: 'Delete', danger: true}))) return;
	try {
		await remove(`/workspaces/${workspace.id}`);
	} catch (error) {
		if (error.body?.status !== 'confirmation_required') {
			notifyError(`${workspace.name} could not be deleted`, error);
			return;
		}
		const {children, children_count: total} = error.body;
		const question = [
			h('p', `Below it ${total === 1 ? 'is' : 'are'} ${plural(total, 'workspace')}, which would be deleted, too:`),
			h('ul.plain-list', children.slice(0, 20).map((child) => h('li', child.name))),
			total > 20 && h('p', `… and ${count(total - 20)} more.`),
		];
		if (!(await confirmDialog({title: 'Delete all of them?', body: question, action: `Delete ${count(total + 1)} workspaces`, danger: true}))) return;
		if (!(await attempt(`${workspace.name} could not be deleted`, () => remove(`/workspaces/${workspace.id}`, {confirm: 'true'})))) return;
	}
	notify(`Deleted: ${workspace.name}.`);
	done();
}

/**
 * Does one action on many workspaces: those with the ids, or those that a filter finds. A dry run says what it would touch.
 */
export async function actOnMany(selection, action, done = () => {}) {
	const isEmpty = !selection.ids?.length && !Object.keys(selection.filter ?? {}).length;
	if (isEmpty) return;
	let plan;
	try {
		plan = await post('/workspaces/bulk', {...selection, action: action.name, dry_run: true});
	} catch (error) {
		notifyError(`What “${action.label}” would touch could not be found out`, error);
		return;
	}
	const number = plan.workspaces.filter((workspace) => workspace.result === 'would change').length;
	if (!number) {
		await tell(`${action.label}: nothing to do`, [h('p', `${plural(plan.matched, 'workspace')} matched, and none would change.`), planList(plan)]);
		return;
	}
	const body = [
		h('p.strong', `${action.label} ${plural(number, 'workspace')} of ${count(plan.matched)} that match.`),
		h('p', action.effect.replace(/^It is/, 'Each is').replace(/^Its/, 'Each one’s').replace(/^It /, 'Each one ')),
		plan.left > 0 && h('p', `${count(plan.left)} more match than one call may change; they stay as they are.`),
		planList(plan),
	];
	if (!(await confirmDialog({title: `${action.label} ${plural(number, 'workspace')}?`, body, action: `${action.label} ${count(number)}`, danger: action.danger}))) return;
	const result = await attempt(`${action.label} failed`, () => post('/workspaces/bulk', {...selection, action: action.name, dry_run: false}));
	if (!result) return;
	const failures = result.workspaces.filter((workspace) => workspace.result === 'failed');
	if (failures.length) {
		await tell(`${action.label}: ${count(result.changed)} done, ${count(failures.length)} failed`, [planList({workspaces: failures})]);
	} else {
		notify(`${action.label}: ${plural(result.changed, 'workspace')} changed.`);
	}
	done();
}

const longestPlan = 200;

function planList(plan) {
	const rows = plan.workspaces.slice(0, longestPlan);
	return h('div.plan', {tabindex: '0', role: 'region', 'aria-label': 'Workspaces that this touches'},
		h('table.simple',
			h('thead', h('tr', ['Workspace', 'Status', 'What happens'].map((label) => h('th', {scope: 'col'}, label)))),
			h('tbody', rows.map((workspace) => h('tr', h('td', workspace.name ?? workspace.id), h('td', workspace.status && pill(workspace.status)), h('td', workspace.error ? `${title(workspace.result)}: ${workspace.error}` : title(workspace.result)))))),
		plan.workspaces.length > longestPlan && h('p.hint', `… and ${count(plan.workspaces.length - longestPlan)} more.`));
}
