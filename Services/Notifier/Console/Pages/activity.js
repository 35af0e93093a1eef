// The feed of a workspace: 20 lines, repetitions in one, older ones on request.

import {PagedList, addressed, arrange, button, clipped, closeDrawer, count, emptyState, errorPanel, facts, fill, filterBar, h, jsonBlock, milliseconds, pill, plural, relative, request, setParams, throttle, words, workspaceLink} from './kit.js';

const lines = 20;
const types = ['a2a_send', 'a2a_receive', 'task_update', 'agent_log', 'skill_promotion', 'memory_write', 'error', 'delegation', 'cron_run'];

export function activityTab({id, drawer}) {
	let shown = lines;
	let drawn = new Map();
	let groups = [];
	let isNew = true;
	let params = new URLSearchParams();
	const bar = filterBar([{name: 'q', kind: 'search', label: 'Search the feed', hint: 'Search the feed'}, {name: 'type', kind: 'select', label: 'Type', options: [['', 'Every type'], ...types.map((name) => [name, words(name)])]}]);
	const summary = h('span.hint', {role: 'status'});
	const feed = h('ol.feed', {'data-feed': true});
	const more = h('div.more');
	const element = h('div.tab-content', h('div.toolbar', bar.controls, h('span.spacer'), summary), feed, more);

	const list = new PagedList(async (before) => {
		const q = params.get('q');
		const type = params.get('type');
		const {data, headers} = await request('GET', `/workspaces/${id}/${q ? 'session-search' : 'activity'}`, {query: {q, type: q ? null : type, limit: 100, before}});
		return {rows: q && type ? data.filter((row) => row.activity_type === type) : data, next: headers.get('X-Next-Before')};
	}, draw);

	const follow = addressed(drawer, (id) => {
		const group = groups.find(({row}) => row.id === id);
		if (group) show(group);
		return group;
	});

	async function older() {
		shown += lines;
		// Repetitions take rows without making lines: read on until there are lines to show.
		for (let pages = 0; list.next && collapse(list.rows).length < shown && pages < 5; pages++) {
			await list.more();
			if (list.error) break;
		}
		draw();
	}

	function draw() {
		const {rows, next, error, isLoading} = list;
		groups = collapse(rows);
		const part = groups.slice(0, shown);
		if (error && !rows.length) fill(feed, h('li.plain', errorPanel('The feed could not be read', error, () => list.reload())));
		else if (!groups.length && !isLoading) fill(feed, h('li.plain', bar.isActive(params) ? emptyState('No line matches.', 'Search for another text, or take the filter away.', button('Clear filters', null, bar.clear)) : emptyState('Nothing has happened yet.', 'Calls, reports of the agent and runs of schedules appear here.')));
		else {
			// A line that is there stays: it may have the focus.
			const before = drawn;
			drawn = new Map(part.map((group) => [`${group.row.id} ${group.number}`, group]).map(([key, group]) => [key, before.get(key) ?? line(group)]));
			arrange(feed, [...drawn.values()]);
		}
		follow();
		fill(summary, groups.length ? `${plural(part.length, 'line')}, ${count(part.reduce((sum, group) => sum + group.number, 0))} of ${count(rows.length)}${next ? ' or more' : ''} entries` : isLoading ? 'Loading…' : '');
		fill(more, error && rows.length ? errorPanel('More lines could not be read', error, older) : (groups.length > shown || next) && button('Older', 'down', older));
	}

	function line({row, number}) {
		return h('li',
			h('span.feed-type', words(row.activity_type)),
			h('div.feed-text', h('button.link', {type: 'button', onclick: () => setParams({open: row.id}, {push: true})}, row.summary || row.method || words(row.activity_type)), number > 1 && h('span.times', {title: `${number} times in a row`}, `× ${count(number)}`),
				row.source_id && row.source_id !== id && h('span.sub', 'from ', workspaceLink(row.source_id)), row.target_id && row.target_id !== id && h('span.sub', 'to ', workspaceLink(row.target_id)), row.error_detail && clipped(row.error_detail, 'sub bad-text')),
			row.status === 'ok' ? h('span') : pill(row.status),
			h('span.feed-time', row.duration_ms !== null && `took ${milliseconds(row.duration_ms)} · `, relative(row.created_at)));
	}

	function show({row, number}) {
		const part = (label, value) => value !== undefined && value !== null && h('details', h('summary', label), jsonBlock(value, label));
		drawer.show(words(row.activity_type), [
			facts([['When', relative(row.created_at)], ['Summary', row.summary], ['Times in a row', number > 1 && count(number)], ['Status', pill(row.status)], ['Method', row.method], ['From', workspaceLink(row.source_id)], ['To', workspaceLink(row.target_id)], ['Took', milliseconds(row.duration_ms)], ['Tokens', row.input_tokens !== undefined && `${count(row.input_tokens)} in, ${count(row.output_tokens)} out`], ['Error', row.error_detail]], 'one'),
			part('Request', row.request_body), part('Answer', row.response_body), part('Tools it used', row.tool_trace),
		], closeDrawer);
	}

	const loadSoon = throttle(() => list.reload(), 2000);
	return {
		element, refresh: () => list.reload(),
		update(now) {
			const before = isNew ? null : params;
			isNew = false;
			params = new URLSearchParams(now);
			bar.sync(params);
			if (before && bar.names.every((name) => before.get(name) === params.get(name))) return draw();
			shown = lines;
			list.clear();
			void list.reload();
		},
		events: (batch, mine) => mine.some((event) => event.type === 'ACTIVITY_LOGGED') && shown === lines && loadSoon(),
		leave: () => list.stop(),
	};
}

function collapse(rows) {
	const groups = [];
	for (const row of rows) {
		const before = groups.at(-1);
		const isSame = before && ['activity_type', 'summary', 'method', 'status', 'source_id', 'target_id', 'error_detail'].every((name) => before.row[name] === row[name]);
		if (isSame) before.number += 1;
		else groups.push({row, number: 1});
	}
	return groups;
}
