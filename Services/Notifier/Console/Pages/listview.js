// What all screens of lists have in common: filters, table, drawer.

import {button, choice, count, debounce, fill, h, setText, statusShape, throttle, title} from './dom.js';
import {emptyState, errorPanel} from './overlays.js';
import {currentRoute, navigate, setParams} from './router.js';
import {PagedList} from './table.js';
import {get} from './api.js';
import {workspacePicker} from './names.js';

/**
 * `load(query, cursor)` answers `{rows, total, next}` for the filters' values; `details(id, row)` what the drawer shows, as
 * `[title, content]`; `arrange(rows)` what the table shows of them; `none` is `[title, advice, action]` of an empty list.
 */
export function listView({one, many, failure, filters = [], load, table: options, above, drawer, details, arrange = (rows) => rows, none, drawn = () => {}, sorts = []}) {
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
		fill(table.foot, isEmpty ? emptyState(title, advice, action) : list.isLoading ? h('p.loading', 'Loading…') : list.error && errorPanel(failure, list.error, view.refresh));
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
		if (opened !== id || (!shown && list.isLoading)) return;
		shown ??= [one, emptyState('It is not among those that are loaded.', 'Take filters away, or look further down.')];
		if (drawer.dataset.shows === id && !drawer.hidden) {
			if ((drawer.querySelector('.drawer-body').contains(document.activeElement.parentNode) || String(getSelection())) && !drawer.dataset.renew) return;
			drawer.update(shown[1]);
		} else drawer.show(shown[0], shown[1], closeDrawer);
		drawer.dataset.shows = id;
		delete drawer.dataset.renew;
	}

	const view = {
		element, list, table, summary, bar, close: closeDrawer,
		get params() {
			return params;
		},
		get opened() {
			return opened;
		},
		draw,
		refresh: () => list.reload({keep: true}),
		reloadSoon: throttle(() => list.rows.length > 2000 || list.reload({keep: true}), 2500),
		async renew() {
			await list.reload({keep: true});
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
			if (!isFirst) {
				table.toTop();
				list.clear();
			}
			isFirst = false;
			return list.reload();
		},
		leave() {
			opened = null;
			clearInterval(timer);
			list.stop();
		},
	};
	const timer = setInterval(() => document.hidden || view.reloadSoon(), 15000);
	return view;
}

/** Keeps the drawer as the address says: `show(id)` opens it, and answers whether it could. */
export function addressed(drawer, show) {
	let opened = null;
	return () => {
		const id = currentRoute().params.get('open');
		if (id === opened) return;
		if (!id) drawer.hide();
		if (!id || show(id)) opened = id;
	};
}

export const closeDrawer = () => setParams({open: null});

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

/** Tabs of these names over the element with the id `panel`; the first one is what no choice means. */
export function tabStrip(label, names) {
	const buttons = names.map((name) => h('button', {type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': 'panel', onclick: () => navigate(currentRoute().screen, currentRoute().id, {tab: name === names[0] ? null : name})}, title(name)));
	const element = h('div.tabs', {role: 'tablist', 'aria-label': label, onkeydown(event) {
		const place = buttons.indexOf(document.activeElement);
		const next = {ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: -1}[event.key];
		if (next === undefined) return;
		event.preventDefault();
		const target = buttons.at(next % buttons.length);
		target.focus();
		target.click();
	}}, buttons);
	return {
		element,
		select(name) {
			const chosen = names.includes(name) ? name : names[0];
			const tab = buttons[names.indexOf(chosen)];
			if (tab.ariaSelected !== 'true') tab.scrollIntoView({block: 'nearest', inline: 'nearest'});
			buttons.forEach((button, place) => {
				button.setAttribute('aria-selected', names[place] === chosen);
				button.tabIndex = names[place] === chosen ? 0 : -1;
			});
			return chosen;
		},
	};
}

/**
 * Controls for members of the query. A spec is `{name, label, kind, ...}`: `search` and `text` (with a `hint`), `select`
 * (`options` of value and label, the first for none), `workspace`, `chips` (`values`, `numbers()`, `titles`).
 */
export function filterBar(specs) {
	const parts = specs.filter(Boolean).map((spec) => ({spec, ...makers[spec.kind](spec)}));
	const names = parts.map(({spec}) => spec.name);
	return {
		names,
		chips: parts.filter(({spec}) => spec.kind === 'chips').map((part) => part.element),
		controls: parts.filter(({spec}) => spec.kind !== 'chips').map((part) => part.element),
		sync: (params) => parts.forEach((part) => part.sync(params.get(part.spec.name) ?? '')),
		/** What is chosen, as the body of a request has it. */
		chosen: (params) => Object.fromEntries(parts.map(({spec}) => [spec, params.get(spec.name)]).filter(([, value]) => value).map(([{name, kind, isNumber}, value]) => [name, kind === 'chips' ? value.split(',') : isNumber ? Number(value) : value])),
		isActive: (params) => names.some((name) => params.get(name)),
		clear: () => setParams(Object.fromEntries(names.map((name) => [name, null]))),
	};
}

const makers = {
	search: (spec) => typed(spec, {type: 'search', 'data-search': true, oninput: debounce((event) => event.target.isConnected && setParams({[spec.name]: event.target.value.trim()}), 250)}),
	text: (spec) => typed(spec, {type: 'text', class: 'short', onchange: (event) => setParams({[spec.name]: event.target.value.trim()})}),

	select(spec) {
		const element = choice(spec.options, {'aria-label': spec.label, onchange: () => setParams({[spec.name]: element.value})});
		const sync = (value) => {
			// Of a link, perhaps, and none of ours
			if (![...element.options].some((one) => one.value === value)) element.append(h('option', {value}, spec.describe?.(value) ?? value));
			element.value = value;
		};
		return {element, sync};
	},

	workspace(spec) {
		const picker = workspacePicker({...spec, onchange: (id) => setParams({[spec.name]: id})});
		return {element: picker.element, sync: (value) => picker.value !== value && picker.set(value)};
	},

	chips(spec) {
		const element = h('div.strip', {role: 'group', 'aria-label': spec.label});
		const sync = (value) => {
			const chosen = new Set(value.split(',').filter(Boolean));
			const numbers = spec.numbers?.() ?? {};
			const chip = (name, label, onclick, isPressed) => h('button', {type: 'button', class: `chip ${numbers[name] === 0 ? 'none' : ''}`, title: spec.titles?.[name], 'aria-pressed': String(isPressed), onclick},
				name !== '' && statusShape(name), numbers[name] !== undefined && h('span.chip-number', count(numbers[name])), h('span', label));
			const flip = (name) => () => {
				if (!chosen.delete(name)) chosen.add(name);
				setParams({[spec.name]: [...chosen].join(',')}, {push: true});
			};
			keepingFocus(element, () => fill(element, chip('', 'all', () => setParams({[spec.name]: null}, {push: true}), !chosen.size), spec.values.map((name) => chip(name, name.replaceAll('_', ' '), flip(name), chosen.has(name))), spec.more?.()));
		};
		return {element, sync};
	},
};

function typed({label, hint}, attributes) {
	const element = h('input', {'aria-label': label, placeholder: hint, ...attributes});
	let last;
	const sync = (value) => {
		// Only what is new: a person may be typing.
		if (value !== last && element.value.trim() !== value) element.value = value;
		last = value;
	};
	return {element, sync};
}

function keepingFocus(element, draw) {
	const place = [...element.children].indexOf(document.activeElement);
	draw();
	if (place >= 0) element.children[place]?.focus();
}
