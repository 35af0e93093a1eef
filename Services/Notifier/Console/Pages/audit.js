// Who did what to what, when, and how it went.

import {clipped, exact, facts, h, icon, learnName, listScreen, listView, pill, readPage, relative, withQuery, workspaceLink} from './kit.js';

const actors = {admin: 'admin token', org: 'organisation token', open: 'open development'};

export function auditScreen({drawer}) {
	const download = h('a.button', {download: 'audit.csv', 'data-act': 'csv'}, icon('download'), h('span', 'Export as CSV'));
	const view = listView({
		one: 'entry', many: 'entries', failure: 'The audit log could not be read', drawer,
		load: (query, cursor) => readPage('/admin/audit', 'entries', {...timed(query), limit: 100, cursor}, (entry) => learnName(entry.target, entry.target_name)),
		none: ['Nothing was changed yet.', 'Everything that operators change is noted here, with its result.'],
		filters: [
			{name: 'action', kind: 'search', label: 'Action', hint: 'Action, such as pause'}, {name: 'target', kind: 'search', label: 'Target', hint: 'Target id'},
			{name: 'actor', kind: 'select', label: 'Actor', options: [['', 'Anybody'], ...Object.entries(actors)]},
			{name: 'result', kind: 'select', label: 'Result', options: [['', 'Any result'], ...['ok', 'refused', 'failed', 'unknown'].map((name) => [name, name])]},
			{name: 'within', kind: 'select', label: 'Time', options: [['', 'Any time'], ['3600', 'The last hour'], ['86400', 'The last day'], ['604800', 'The last week']]},
		],
		table: {
			label: 'Audit entries', rowHeight: 42, phoneHeight: 88,
			columns: [
				['when', 'When', '120px', (entry) => relative(entry.at), {phone: 'meta'}],
				['who', 'Who', 'minmax(150px, 1fr)', who, {phone: 'meta'}],
				['action', 'Action', 'minmax(220px, 1.6fr)', (entry) => clipped(entry.action, 'mono'), {phone: 'title'}],
				['target', 'Target', 'minmax(140px, 1.2fr)', target, {phone: 'sub'}],
				['result', 'Result', '150px', (entry) => h('span.line', pill(entry.result), entry.status && h('span.sub', entry.status)), {phone: 'side'}],
				['ip', 'From', '130px', (entry) => h('span.faint', entry.client_ip ?? '')],
			],
		},
		details: (id, entry) => entry && ['Audit entry', facts([
			['When', [relative(entry.at), ` (${exact(entry.at)})`]], ['Who', who(entry)], ['Through', entry.via === 'console' ? 'the console' : 'a token'], ['Action', h('code', entry.action)], ['Target', target(entry)],
			['Result', [pill(entry.result), ' ', entry.status ?? 'the process ended before it answered']], ['Service', entry.service], entry.detail && ['Detail', h('code', JSON.stringify(entry.detail))], ['Request', h('code', entry.request_id)], ['From', entry.client_ip],
		], 'one')],
		drawn: () => view.reopenSoon(),
	});

	function timed({within, ...query}) {
		return {...query, since: within && new Date(Date.now() - within * 1000).toISOString()};
	}

	const screen = listScreen('Audit', view, download);
	return {
		...screen,
		update(route) {
			screen.update(route);
			download.setAttribute('href', withQuery('/admin/audit', {...timed(Object.fromEntries(view.bar.names.map((name) => [name, route.params.get(name)]))), format: 'csv'}));
		},
	};
}

function who(entry) {
	return h('span.clip', entry.actor_name || actors[entry.actor] || entry.actor, entry.token_prefix && h('code.sub', ` ${entry.token_prefix}…`));
}

function target(entry) {
	if (!entry.target) return h('span.faint', '–');
	if (!entry.action.includes('/workspaces/{')) return h('code.clip', {title: entry.target}, entry.target_name ?? entry.target);
	return workspaceLink(entry.target, entry.target_name);
}
