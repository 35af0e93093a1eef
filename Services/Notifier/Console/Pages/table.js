// `<data-table>`: a table of any length. Only the rows in view are elements; the keyboard reaches all of them.

import { fill, h, icon, setText } from './dom.js';
import { count } from './format.js';

const overscan = 8;
const narrow = matchMedia('(max-width: 720px)');

/**
 * Configured once with `configure({...})`:
 * label, columns [{key, label, width, render(row), sort, number, phone}], key(row), rowHeight, phoneHeight,
 * open(row), sorted(key, order), nearEnd(), selectable, select(keys), level(row), expanded(row), toggle(row), rowClass(row).
 */
class DataTable extends HTMLElement {
  #options = null;
  #rows = [];
  #index = new Map();
  #drawn = new Map();
  #dirty = new Set();
  #selected = new Set();
  #active = 0;
  #frame = null;
  #sort = { key: null, order: 'asc' };

  configure(options) {
    this.#options = { rowHeight: 44, phoneHeight: 84, key: (row) => row.id, ...options };
    const { columns, label, level, selectable } = this.#options;
    this.head = h('div', { role: 'rowgroup', class: 'table-head' });
    this.body = h('div', { role: 'rowgroup', class: 'table-body' });
    this.foot = h('div.table-foot');
    this.grid = h('div', { role: level ? 'treegrid' : 'grid', 'aria-label': label, 'aria-multiselectable': selectable ? 'true' : null, class: 'grid' }, this.head, this.body);
    this.scroller = h('div.scroller', { tabindex: '-1' }, this.grid, this.foot);
    this.style.setProperty('--columns', (selectable ? '36px ' : '') + columns.map((column) => column.width ?? 'minmax(90px, 1fr)').join(' '));
    fill(this, this.scroller);
    this.#drawHead();
    this.scroller.addEventListener('scroll', () => this.draw(), { passive: true });
    this.grid.addEventListener('keydown', (event) => this.#keyDown(event));
    this.body.addEventListener('click', (event) => this.#click(event));
    this.body.addEventListener('focusin', (event) => this.#focusIn(event));
    new ResizeObserver(() => this.draw()).observe(this.scroller);
    narrow.addEventListener('change', () => this.draw());
    return this;
  }

  get rows() {
    return this.#rows;
  }

  set rows(rows) {
    const activeKey = this.#rows[this.#active] && this.#options.key(this.#rows[this.#active]);
    this.#rows = rows;
    this.#index = new Map(rows.map((row, index) => [this.#options.key(row), index]));
    this.#active = this.#index.get(activeKey) ?? Math.min(this.#active, Math.max(0, rows.length - 1));
    for (const key of this.#selected) if (!this.#index.has(key)) this.#selected.delete(key);
    this.grid.setAttribute('aria-rowcount', rows.length + 1);
    for (const key of this.#drawn.keys()) this.#dirty.add(key);
    this.draw();
    this.#selectionChanged();
  }

  get selected() {
    return [...this.#selected];
  }

  clearSelection() {
    for (const key of this.#selected) this.#dirty.add(key);
    this.#selected.clear();
    this.#selectionChanged();
    this.draw();
  }

  /** These rows changed in place. */
  touch(keys) {
    for (const key of keys) if (this.#drawn.has(key)) this.#dirty.add(key);
    if (this.#dirty.size) this.draw();
  }

  setSort(key, order) {
    this.#sort = { key, order };
    this.#drawHead();
  }

  toTop() {
    this.scroller.scrollTop = 0;
  }

  focusActive() {
    this.#focusRow(this.#active);
  }

  /** Draws in the next frame. */
  draw() {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      if (this.isConnected) this.#draw();
    });
  }

  #height() {
    return narrow.matches ? this.#options.phoneHeight : this.#options.rowHeight;
  }

  #draw() {
    const height = this.#height();
    const total = this.#rows.length;
    const top = Math.max(0, this.scroller.scrollTop - this.head.offsetHeight);
    const first = Math.max(0, Math.min(total, Math.floor(top / height) - overscan));
    const last = Math.min(total, Math.ceil((top + this.scroller.clientHeight) / height) + overscan);
    this.style.setProperty('--row-height', `${height}px`);
    this.body.style.paddingTop = `${first * height}px`;
    this.body.style.paddingBottom = `${(total - last) * height}px`;
    const wanted = new Map();
    for (let index = first; index < last; index++) wanted.set(this.#options.key(this.#rows[index]), index);
    for (const [key, element] of this.#drawn) {
      if (wanted.has(key)) continue;
      element.remove();
      this.#drawn.delete(key);
    }
    let place = this.body.firstChild;
    for (const [key, index] of wanted) {
      let element = this.#drawn.get(key);
      const isNew = !element;
      if (isNew) this.#drawn.set(key, (element = h('div', { role: 'row', class: 'row', tabindex: '-1' })));
      if (element !== place) this.body.insertBefore(element, place);
      else place = place.nextSibling;
      if (isNew || this.#dirty.has(key) || element.dataset.index !== String(index)) this.#fillRow(element, this.#rows[index], key, index, isNew);
    }
    this.#dirty.clear();
    if (last > total - 30) this.#options.nearEnd?.();
  }

  #fillRow(element, row, key, index, isNew) {
    const { columns, level, expanded, rowClass, selectable, open } = this.#options;
    element.dataset.index = index;
    element.dataset.key = key;
    element.setAttribute('aria-rowindex', index + 2);
    element.tabIndex = index === this.#active ? 0 : -1;
    element.className = `row${rowClass?.(row) ? ` ${rowClass(row)}` : ''}${open ? ' opens' : ''}`;
    if (level) {
      element.setAttribute('aria-level', level(row) + 1);
      const isExpanded = expanded(row);
      if (isExpanded === undefined) element.removeAttribute('aria-expanded');
      else element.setAttribute('aria-expanded', isExpanded);
    }
    if (selectable) element.setAttribute('aria-selected', this.#selected.has(key));
    const held = !isNew && element.contains(document.activeElement) && document.activeElement !== element ? document.activeElement.closest('.cell') : null;
    if (isNew) {
      if (selectable) {
        const box = h('input', { type: 'checkbox', tabindex: '-1', 'aria-label': `Select row ${index + 1}` });
        element.append(h('div', { role: 'gridcell', class: 'cell check' }, box));
      }
      for (const column of columns) element.append(h('div', { role: 'gridcell', class: `cell c-${column.key} ${column.number ? 'number' : ''} ${column.phone ? `phone-${column.phone}` : 'phone-hidden'}` }));
    }
    if (selectable) element.firstChild.firstChild.checked = this.#selected.has(key);
    columns.forEach((column, place) => {
      const cell = element.children[place + (selectable ? 1 : 0)];
      if (cell === held) return;
      const content = column.render(row);
      if (typeof content === 'string') setText(cell, content);
      else fill(cell, content);
    });
    this.#syncTabs(element, index === this.#active);
  }

  #syncTabs(element, isActive) {
    for (const inner of element.querySelectorAll('a, button, input, relative-time')) inner.tabIndex = isActive ? 0 : -1;
  }

  #drawHead() {
    const { columns, selectable, sorted } = this.#options;
    const cells = columns.map((column) => {
      const isSorted = column.sort && this.#sort.key === column.sort;
      const direction = this.#sort.order === 'desc' ? 'descending' : 'ascending';
      const label = !column.sort || !sorted ? h('span', column.label) : h('button', {
        type: 'button', class: 'sort', onclick: () => this.#sortBy(column.sort),
      }, column.label, isSorted && h('span', { class: `arrow ${direction}` }, icon('down')));
      return h('div', { role: 'columnheader', class: `cell ${column.number ? 'number' : ''}`, 'aria-sort': isSorted ? direction : null }, label);
    });
    if (selectable) {
      this.all = h('input', { type: 'checkbox', 'aria-label': 'Select all rows that are loaded', onchange: (event) => this.#selectAll(event.target.checked) });
      cells.unshift(h('div', { role: 'columnheader', class: 'cell check' }, this.all));
    }
    const hadFocus = this.head.contains(document.activeElement) ? [...this.head.querySelectorAll('button, input')].indexOf(document.activeElement) : -1;
    fill(this.head, h('div', { role: 'row', class: 'row head-row', 'aria-rowindex': '1' }, cells));
    if (hadFocus >= 0) this.head.querySelectorAll('button, input')[hadFocus]?.focus();
  }

  #sortBy(key) {
    const order = this.#sort.key === key && this.#sort.order === 'asc' ? 'desc' : 'asc';
    this.#options.sorted(key, order);
  }

  #click(event) {
    const element = event.target.closest('.row');
    if (!element) return;
    const index = Number(element.dataset.index);
    const row = this.#rows[index];
    if (event.target.closest('.check')) {
      if (event.target.tagName !== 'INPUT') return;
      this.#setSelected(element.dataset.key, event.target.checked);
    } else if (!event.target.closest('a, button, input, relative-time') && !getSelection().toString()) {
      this.#options.open?.(row);
    }
  }

  #focusIn(event) {
    const element = event.target.closest('.row');
    if (!element) return;
    const index = Number(element.dataset.index);
    if (index === this.#active) return;
    const before = this.#drawn.get(this.#rows[this.#active] && this.#options.key(this.#rows[this.#active]));
    this.#active = index;
    if (before) {
      before.tabIndex = -1;
      this.#syncTabs(before, false);
    }
    element.tabIndex = 0;
    this.#syncTabs(element, true);
  }

  #keyDown(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest('.table-head')) return;
    if (event.target.matches('input:not([type=checkbox])')) return;
    const row = this.#rows[this.#active];
    if (!row) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.#height()) - 1);
    const isOnRow = event.target.matches('.row');
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in moves) this.#focusRow(this.#active + moves[event.key]);
    else if (event.key === 'Enter' && isOnRow && this.#options.open) this.#options.open(row);
    else if (event.key === ' ' && isOnRow && this.#options.selectable) this.#setSelected(this.#options.key(row), !this.#selected.has(this.#options.key(row)));
    else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') this.#sideways(event, row, isOnRow);
    else return;
    event.preventDefault();
  }

  /** Opens and closes a branch of a tree; else moves among what is in the row. */
  #sideways(event, row, isOnRow) {
    const isRight = event.key === 'ArrowRight';
    const isExpanded = this.#options.expanded?.(row);
    if (isOnRow && isExpanded === !isRight) return this.#options.toggle(row);
    const element = this.#drawn.get(this.#options.key(row));
    if (!element) return undefined;
    const stops = [element, ...element.querySelectorAll('a, button, input, relative-time')];
    const place = stops.indexOf(document.activeElement) + (isRight ? 1 : -1);
    return stops[Math.max(0, Math.min(stops.length - 1, place))].focus();
  }

  #focusRow(index) {
    const total = this.#rows.length;
    if (!total) return;
    const target = Math.max(0, Math.min(total - 1, index));
    const height = this.#height();
    const head = this.head.offsetHeight;
    const top = target * height;
    const view = this.scroller.clientHeight - head;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top + height > this.scroller.scrollTop + view) this.scroller.scrollTop = top + height - view;
    this.#draw();
    this.#drawn.get(this.#options.key(this.#rows[target]))?.focus({ preventScroll: true });
  }

  #setSelected(key, isSelected) {
    if (isSelected) this.#selected.add(key);
    else this.#selected.delete(key);
    this.#dirty.add(key);
    this.draw();
    this.#selectionChanged();
  }

  #selectAll(isSelected) {
    for (const key of this.#index.keys()) {
      if (isSelected) this.#selected.add(key);
      else this.#selected.delete(key);
      this.#dirty.add(key);
    }
    this.draw();
    this.#selectionChanged();
  }

  #selectionChanged() {
    if (!this.#options.selectable) return;
    const size = this.#selected.size;
    this.all.checked = size > 0 && size === this.#rows.length;
    this.all.indeterminate = size > 0 && size < this.#rows.length;
    this.#options.select?.(this.selected);
  }
}
customElements.define('data-table', DataTable);

/**
 * A list that comes from the server by pages: reads the first, and the next ones when their place comes into view.
 * `load(cursor)` answers `{rows, total, next}`; `changed(list)` is called whenever something was read.
 */
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

  /** Reads from the beginning, as many rows as are there already (up to `most`). */
  async reload({ keep = false, most = 1000 } = {}) {
    const generation = ++this.#generation;
    const wanted = keep ? Math.min(most, this.rows.length) : 0;
    this.isLoading = true;
    if (!keep) this.#changed(this);
    try {
      let page = await this.#load(null);
      const rows = page.rows;
      while (page.next && rows.length < wanted && generation === this.#generation) {
        page = await this.#load(page.next);
        rows.push(...page.rows);
      }
      if (generation !== this.#generation) return;
      this.rows = rows;
      this.next = page.next;
      this.total = page.total ?? null;
      this.error = null;
    } catch (error) {
      if (generation !== this.#generation || error.name === 'AbortError') return;
      this.error = error;
    }
    this.isLoading = false;
    this.#changed(this);
  }

  /** Reads the next page. */
  async more() {
    if (this.isLoading || !this.next) return;
    const generation = this.#generation;
    this.isLoading = true;
    try {
      const page = await this.#load(this.next);
      if (generation !== this.#generation) return;
      this.rows = this.rows.concat(page.rows);
      this.next = page.next;
      if (page.total !== undefined) this.total = page.total;
    } catch (error) {
      if (generation !== this.#generation) return;
      this.error = error;
    }
    this.isLoading = false;
    this.#changed(this);
  }

  stop() {
    this.#generation++;
  }

  /** "100 of 2 400 messages". */
  summary(one, many = `${one}s`) {
    if (this.total === null) return this.isLoading ? 'Loading…' : `${count(this.rows.length)}${this.next ? ' or more' : ''} ${this.rows.length === 1 ? one : many}`;
    const noun = this.total === 1 ? one : many;
    return this.rows.length < this.total ? `${count(this.rows.length)} of ${count(this.total)} ${noun} shown` : `${count(this.total)} ${noun}`;
  }
}
