// What all screens of lists have in common: filters, table, drawer.

import {button, fill, h, setText, throttle} from './dom.js';
import {emptyState, errorPanel} from './overlays.js';
import {filterBar} from './filters.js';
import {setParams} from './router.js';
import {PagedList} from './table.js';
import {get} from './api.js';

/**
 * `load(query, cursor)` answers `{rows, total, next}` for the filters' values; `details(id, row)` what the drawer shows, as
 * `[title, content]`; `arrange(rows)` what the table shows of them; `none` is `[title, advice, action]` of an empty list.
 */
export function listView({one, many, failure, filters = [], load, table: options, above, drawer, details, arrange = (rows) => rows, none, drawn = () => {}, sorts = [], most}) {
	let params = new URLSearchParams();
	let isFirst = true;
	let opened = null;
	const bar = filterBar(filters);
	const summary = h('p.summary', {role: 'status'});
	const place = h('div.table-place');
	const table = document.createElement('data-table');
	const clear = button('Clear filters', null, bar.clear, {kind: 'quiet', hidden: true});
	const element = h('div.fill', bar.chips, bar.controls.length > 0 && h('div.toolbar', bar.controls, clear), above, place);
	const relevant = [...bar.names, ...sorts];
	const close = () => setParams({open: null});

	table.configure({open: details && ((row) => setParams({open: options.key ? options.key(row) : row.id}, {push: true})), nearEnd: () => list.more(), ...options});
	place.append(table);

	const list = new PagedList((cursor) => load(Object.fromEntries(relevant.map((name) => [name, params.get(name)])), cursor), () => draw());

	function draw() {
		const isEmpty = !list.isLoading && !list.rows.length;
		setText(summary, list.error && !list.rows.length ? '' : list.summary(one, many));
		if (list.error && !list.rows.length) {
			fill(place, errorPanel(failure, list.error, () => list.reload()));
			return;
		}
		if (!table.isConnected) fill(place, table);
		table.rows = arrange(list.rows);
		const [title, advice, action] = bar.isActive(params) ? [`No ${one} matches.`, 'Take a filter away to see more.', button('Clear filters', null, bar.clear)] : none;
		fill(table.foot, isEmpty ? emptyState(title, advice, action) : list.isLoading ? h('p.loading', 'Loading…') : list.error && errorPanel('The next page could not be read', list.error, () => list.more()));
		drawn(list);
	}

	async function open(id) {
		opened = id;
		let shown;
		try {
			shown = await details(id, list.rows.find((row) => String(row.id) === id));
		} catch (error) {
			shown = [one, errorPanel('It could not be read', error, () => open(id))];
		}
		if (opened !== id || !shown) return;
		if (drawer.dataset.shows === id && !drawer.hidden) {
			if (drawer.querySelector('.drawer-body').contains(document.activeElement) && !drawer.dataset.renew) return;
			drawer.update(shown[1]);
		} else drawer.show(shown[0], shown[1], close);
		drawer.dataset.shows = id;
		delete drawer.dataset.renew;
	}

	const view = {
		element, list, table, summary, bar, close,
		get params() {
			return params;
		},
		get opened() {
			return opened;
		},
		draw,
		refresh: () => list.reload({keep: true, most}),
		reloadSoon: throttle(() => list.reload({keep: true, most}), 2500),
		async renew() {
			await list.reload({keep: true, most});
			drawer.dataset.renew = 'yes';
			if (opened) await open(opened);
		},
		reopenSoon: throttle(() => opened && open(opened), 1000),
		update(now) {
			const before = params;
			params = new URLSearchParams(now);
			bar.sync(params);
			clear.hidden = !bar.isActive(params);
			if (sorts.length) table.setSort(params.get('sort') ?? 'name', params.get('order') ?? 'asc');
			const id = params.get('open');
			if (id !== opened && details) {
				opened = null;
				if (id) void open(id);
				else drawer.hide();
			}
			if (!isFirst && relevant.every((name) => before.get(name) === params.get(name))) return draw();
			if (!isFirst) table.toTop();
			isFirst = false;
			return list.reload();
		},
		leave() {
			opened = null;
			list.stop();
		},
	};
	return view;
}

/** What every screen is in: its heading with a summary beside it, and what can be done. */
export function frame(title, {summary, actions = [], kind = ''}, ...content) {
	const heading = h('h1', {tabindex: '-1', id: 'screen-title'}, title);
	return {heading, title, element: h('section', {class: `screen ${kind}`, 'aria-labelledby': 'screen-title'}, h('header.screen-head', h('div.titles', heading, summary), h('div.row-actions', actions)), content)};
}

/** A screen around a list, with how many there are. */
export function listScreen(title, view, ...actions) {
	return {...frame(title, {summary: view.summary, actions}, view.element), update: (route) => view.update(route.params), refresh: view.refresh, leave: view.leave};
}

/** Reads a page of a list whose rows are in the member `key`; `learn` is told each row. */
export async function readPage(path, key, query, learn = () => {}) {
	const page = await get(path, query);
	page[key].forEach(learn);
	return {rows: page[key], total: page.total, next: page.next_cursor, isExact: page.total_is_exact};
}
