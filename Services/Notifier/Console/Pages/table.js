// `<data-table>`: a table of any length, of which only the rows in view are elements.

import {arrange, count, fill, h, icon, setText} from './dom.js';

const overscan = 8;
const step = 4;
const narrow = matchMedia('(max-width: 720px)');
const stops = 'a, button, input, relative-time';
const said = (element) => element.textContent + [...element.querySelectorAll('[aria-label]')].map((one) => one.ariaLabel);

/**
 * Configured once: label, columns `[key, label, width, render(row), {sort, number, phone}]`, key(row), rowHeight, phoneHeight,
 * open(row), sorted(key, order), nearEnd(), selectable, select(keys), level(row), expanded(row), toggle(row).
 */
class DataTable extends HTMLElement {
	#options;
	#columns;
	#rows = [];
	#index = new Map();
	#drawn = new Map();
	#dirty = new Set();
	#selected = new Set();
	#active = 0;
	#frame = null;
	#place = '';
	#sort = {};

	configure(options) {
		this.#options = {rowHeight: 44, phoneHeight: 88, key: (row) => row.id, ...options};
		this.#columns = options.columns.filter(Boolean).map(([key, label, width, render, flags]) => ({key, label, width, render, ...flags}));
		const {label, level, selectable} = this.#options;
		this.head = h('div.table-head', {role: 'presentation'});
		this.body = h('div.table-body', {role: 'presentation'});
		this.foot = h('div');
		this.grid = h('div.grid', {role: level ? 'treegrid' : 'grid', 'aria-label': label, 'aria-multiselectable': selectable && 'true', onkeydown: (event) => this.#keyDown(event)}, this.head, this.body);
		this.scroller = h('div.scroller', {tabindex: '0'}, this.grid, this.foot);
		this.style.setProperty('--columns', (selectable ? '36px ' : '') + this.#columns.map((column) => column.width).join(' '));
		fill(this, this.scroller);
		this.#drawHead();
		this.scroller.addEventListener('scroll', () => this.draw(), {passive: true});
		this.body.addEventListener('click', (event) => this.#click(event));
		this.body.addEventListener('focusin', (event) => this.#activate(event.target.closest('.row')));
		new ResizeObserver(() => this.draw()).observe(this.scroller);
	}

	get rows() {
		return this.#rows;
	}

	set rows(rows) {
		const {key} = this.#options;
		const active = this.#rows[this.#active];
		this.#rows = rows;
		this.#index = new Map(rows.map((row, index) => [key(row), index]));
		this.#active = this.#index.get(active && key(active)) ?? Math.min(this.#active, Math.max(0, rows.length - 1));
		for (const one of this.#selected) if (!this.#index.has(one)) this.#selected.delete(one);
		this.grid.setAttribute('aria-rowcount', rows.length + 1);
		this.scroller.tabIndex = rows.length ? -1 : 0;
		this.touch(this.#drawn.keys());
		this.draw();
		this.#tellSelection();
	}

	get selected() {
		return [...this.#selected];
	}

	clearSelection() {
		this.#select(this.#selected, false);
	}

	touch(keys) {
		for (const key of keys) if (this.#drawn.has(key)) this.#dirty.add(key);
		if (this.#dirty.size) this.draw();
	}

	setSort(key, order) {
		this.#sort = {key, order};
		this.#drawHead();
	}

	toTop() {
		this.scroller.scrollTop = 0;
	}

	focusActive() {
		this.#focusRow(this.#active);
	}

	draw() {
		this.#frame ??= requestAnimationFrame(() => {
			this.#frame = null;
			if (this.isConnected) this.#draw();
		});
	}

	get #height() {
		return narrow.matches ? this.#options.phoneHeight : this.#options.rowHeight;
	}

	#draw() {
		const height = this.#height;
		const total = this.#rows.length;
		const top = Math.max(0, this.scroller.scrollTop - this.head.offsetHeight);
		const first = Math.max(0, Math.min(total, step * Math.floor(top / height / step) - overscan));
		const last = Math.min(total, step * Math.ceil((top + this.scroller.clientHeight) / height / step) + overscan);
		const view = [first, last, total, height].join();
		if (view === this.#place && !this.#dirty.size) return;
		this.#place = view;
		this.style.setProperty('--row-height', `${height}px`);
		this.body.style.paddingTop = `${first * height}px`;
		this.body.style.paddingBottom = `${(total - last) * height}px`;
		const before = this.#drawn;
		this.#drawn = new Map();
		for (let index = first; index < last; index++) {
			const key = this.#options.key(this.#rows[index]);
			const element = before.get(key) ?? this.#makeRow(key, index);
			this.#drawn.set(key, element);
			if (this.#dirty.has(key) || element.dataset.index !== String(index)) this.#fillRow(element, this.#rows[index], key, index);
		}
		arrange(this.body, [...this.#drawn.values()]);
		this.#dirty.clear();
		if (last > total - 30) this.#options.nearEnd?.();
	}

	#makeRow(key, index) {
		const {selectable, open} = this.#options;
		return h('div', {role: 'row', class: open ? 'row opens' : 'row', 'data-key': key},
			selectable && h('div.cell.check', {role: 'gridcell'}, h('input', {type: 'checkbox', 'aria-label': `Select row ${index + 1}`})),
			this.#columns.map(({key: name, number, phone}) => h('div', {role: 'gridcell', class: `cell c-${name} ${number ? 'number' : ''} phone-${phone ?? 'hidden'}`})));
	}

	#fillRow(element, row, key, index) {
		const {level, expanded, selectable} = this.#options;
		element.dataset.index = index;
		element.setAttribute('aria-rowindex', index + 2);
		if (level) {
			element.setAttribute('aria-level', level(row) + 1);
			const isExpanded = expanded(row);
			if (isExpanded === undefined) element.removeAttribute('aria-expanded');
			else element.setAttribute('aria-expanded', isExpanded);
		}
		if (selectable) {
			element.setAttribute('aria-selected', this.#selected.has(key));
			element.firstChild.firstChild.checked = this.#selected.has(key);
		}
		this.#columns.forEach((column, place) => {
			const cell = element.children[place + (selectable ? 1 : 0)];
			const content = column.render(row);
			const held = cell.contains(document.activeElement) ? [...cell.querySelectorAll(stops)].indexOf(document.activeElement) : -1;
			if (held >= 0 && said(h('div', content)) === said(cell)) return;
			if (typeof content === 'string') setText(cell, content);
			else fill(cell, content);
			cell.querySelectorAll(stops)[held]?.focus();
		});
		this.#setTabs(element, index === this.#active);
	}

	#setTabs(element, isActive) {
		for (const one of [element, ...element.querySelectorAll(stops)]) one.tabIndex = isActive ? 0 : -1;
	}

	#drawHead() {
		const {selectable, sorted} = this.#options;
		const held = [...this.head.querySelectorAll('button, input')].indexOf(document.activeElement);
		this.all = h('input', {type: 'checkbox', 'aria-label': 'Select all rows that are loaded', onchange: () => this.#select(this.#index.keys(), this.all.checked)});
		fill(this.head, h('div.row.head-row', {role: 'row', 'aria-rowindex': '1'}, selectable && h('div.cell.check', {role: 'columnheader'}, this.all), this.#columns.map(({label, sort, number}) => {
			const order = sort && this.#sort.key === sort ? `${this.#sort.order}ending` : null;
			const next = order === 'ascending' ? 'desc' : 'asc';
			return h('div', {role: 'columnheader', class: `cell ${number ? 'number' : ''}`, 'aria-sort': order}, sort && sorted ? h('button.sort', {type: 'button', onclick: () => sorted(sort, next)}, label, order && h(`span.arrow.${order}`, icon('down'))) : label);
		})));
		if (held >= 0) this.head.querySelectorAll('button, input')[held]?.focus();
	}

	#click({target}) {
		const element = target.closest('.row');
		if (!element) return;
		if (target.matches('.check input')) this.#select([element.dataset.key], target.checked);
		else if (!target.closest(`${stops}, .check`) && !getSelection().toString()) this.#options.open?.(this.#rows[element.dataset.index]);
	}

	#activate(element) {
		const index = Number(element.dataset.index);
		const before = this.#rows[this.#active] && this.#drawn.get(this.#options.key(this.#rows[this.#active]));
		this.#active = index;
		if (before && before !== element) this.#setTabs(before, false);
		this.#setTabs(element, true);
	}

	#keyDown(event) {
		const row = this.#rows[this.#active];
		if (event.altKey || event.ctrlKey || event.metaKey || !row || event.target.closest('.table-head')) return;
		const {open, selectable, key} = this.#options;
		const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.#height) - 1);
		const isOnRow = event.target.matches('.row');
		const step = {ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity}[event.key];
		if (step) this.#focusRow(this.#active + step);
		else if (event.key === 'Enter' && isOnRow && open) open(row);
		else if (event.key === ' ' && isOnRow && selectable) this.#select([key(row)], !this.#selected.has(key(row)));
		else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') this.#sideways(event.key === 'ArrowRight', row, isOnRow);
		else return;
		event.preventDefault();
	}

	/** Opens and closes a branch of a tree; else moves among what is in the row. */
	#sideways(isRight, row, isOnRow) {
		const {expanded, toggle, key} = this.#options;
		if (isOnRow && expanded?.(row) === !isRight) {
			toggle(row);
			return;
		}
		const element = this.#drawn.get(key(row));
		const all = [element, ...element.querySelectorAll(stops)];
		all[Math.max(0, Math.min(all.length - 1, all.indexOf(document.activeElement) + (isRight ? 1 : -1)))].focus();
	}

	#focusRow(index) {
		const target = Math.max(0, Math.min(this.#rows.length - 1, index));
		if (!this.#rows.length) return;
		const height = this.#height;
		const view = this.scroller.clientHeight - this.head.offsetHeight;
		this.scroller.scrollTop = Math.min(target * height, Math.max(this.scroller.scrollTop, (target + 1) * height - view));
		this.#draw();
		this.#drawn.get(this.#options.key(this.#rows[target]))?.focus({preventScroll: true});
	}

	#select(keys, isSelected) {
		for (const key of [...keys]) {
			if (isSelected) this.#selected.add(key);
			else this.#selected.delete(key);
			this.#dirty.add(key);
		}
		this.draw();
		this.#tellSelection();
	}

	#tellSelection() {
		const {size} = this.#selected;
		this.all.checked = size > 0 && size === this.#rows.length;
		this.all.indeterminate = size > 0 && size < this.#rows.length;
		this.#options.select?.();
	}
}
customElements.define('data-table', DataTable);

/** A list of the server's: `load(cursor)` answers `{rows, total, next}` of a page; `changed(list)` follows each reading. */
export class PagedList {
	rows = [];
	total = null;
	next = null;
	error = null;
	isLoading = false;
	#load;
	#changed;
	#generation = 0;

	constructor(load, changed) {
		this.#load = load;
		this.#changed = changed;
	}

	clear() {
		Object.assign(this, {rows: [], next: null, total: null, error: null});
	}

	/** Reads from the beginning; with `keep`, as many rows as are there already, up to two thousand. */
	async reload({keep = false} = {}) {
		const wanted = keep ? Math.min(2000, this.rows.length) : 0;
		this.isLoading = true;
		if (!keep) this.#changed(this);
		await this.#read(async (isCurrent) => {
			let page = await this.#load(null);
			let {rows} = page;
			while (page.next && rows.length < wanted && isCurrent()) {
				page = await this.#load(page.next);
				rows = rows.concat(page.rows);
			}
			return {...page, rows};
		});
	}

	async more() {
		if (this.isLoading || !this.next) return;
		await this.#read(async () => {
			const page = await this.#load(this.next);
			return {...page, rows: this.rows.concat(page.rows)};
		});
	}

	async #read(pages) {
		const generation = ++this.#generation;
		const isCurrent = () => generation === this.#generation;
		this.isLoading = true;
		try {
			const {rows, next, total = null, isExact = true} = await pages(isCurrent);
			if (!isCurrent()) return;
			Object.assign(this, {rows, next, total, isExact, error: null});
		} catch (error) {
			if (!isCurrent()) return;
			this.error = error;
		}
		this.isLoading = false;
		this.#changed(this);
	}

	stop() {
		this.#generation++;
	}

	summary(one, many = `${one}s`) {
		const {length} = this.rows;
		const noun = (this.total ?? length) === 1 ? one : many;
		if (this.total === null) return this.isLoading && !length ? 'Loading…' : `${count(length)}${this.next ? ' or more' : ''} ${noun}`;
		return length < this.total ? `${count(length)} of ${this.isExact ? '' : 'more than '}${count(this.total)} ${noun} shown` : `${count(this.total)} ${noun}`;
	}
}
