// Building elements, and numbers, sizes and durations as people read them. Text becomes text nodes only; nothing here parses
// markup.

const properties = new Set(['value', 'checked', 'disabled', 'hidden', 'selected', 'indeterminate', 'open']);

/** Makes an element: `h('div.some.class', {attributes}, ...children)`. `on…` are listeners; null and false leave out. */
export function h(kind, ...rest) {
	const [tag, ...classes] = kind.split('.');
	const element = document.createElement(tag);
	if (classes.length) element.className = classes.join(' ');
	const hasAttributes = rest[0] && Object.getPrototypeOf(rest[0]) === Object.prototype;
	for (const [name, value] of Object.entries(hasAttributes ? rest.shift() : {})) {
		if (name.startsWith('on') && typeof value === 'function') element.addEventListener(name.slice(2), value);
		else if (properties.has(name)) element[name] = value ?? '';
		else if (value === true) element.setAttribute(name, '');
		else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
	}
	return append(element, rest);
}

/** Appends nodes and texts; null and false are left out, arrays are flattened. */
export function append(element, children) {
	for (const child of [children].flat(3)) {
		if (child === null || child === undefined || child === false) continue;
		element.append(child instanceof Node ? child : document.createTextNode(String(child)));
	}
	return element;
}

export function fill(element, ...children) {
	element.replaceChildren();
	return append(element, children);
}

/** Puts these children in this order. One that stands where it should is not moved: it may have the focus. */
export function arrange(parent, children) {
	const wanted = new Set(children);
	for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
	let place = parent.firstChild;
	for (const child of children) {
		if (child === place) place = place.nextSibling;
		else parent.insertBefore(child, place);
	}
}

export function setText(element, text) {
	if (element.textContent !== text) element.textContent = text;
}

export const clipped = (text, kind = '') => h('span', {class: `clip ${kind}`, title: text}, text);

export function isWebAddress(text) {
	try {
		return ['http:', 'https:'].includes(new URL(text).protocol);
	} catch {
		return false;
	}
}

/** A link to an address that came as data: only http and https, else its text. */
export function outwardLink(address, label = address) {
	if (!isWebAddress(address)) return h('span', label);
	return h('a', {href: address, target: '_blank', rel: 'noopener noreferrer'}, label);
}

const svg = 'http://www.w3.org/2000/svg';
const shapes = {
	fleet: 'M2.5 2.5h4v4h-4zM9.5 2.5h4v4h-4zM2.5 9.5h4v4h-4zM9.5 9.5h4v4h-4z',
	messages: 'M2 9.5 4 3h8l2 6.5V13H2zM2 9.5h3.5l1 1.5h3l1-1.5H14',
	schedules: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.5V8l2.5 1.5',
	events: 'M1.5 8.5h3l2-5 3 9 2-4h3',
	health: 'M8 13.5 3 8.5A3 3 0 0 1 8 4.5 3 3 0 0 1 13 8.5z',
	audit: 'M4 2h8v12H4zM6.5 5.5h3M6.5 8h3M6.5 10.5h2',
	settings: 'M2 5h12M2 11h12M10.5 3v4M5.5 9v4',
	search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5 14 14',
	close: 'M4 4l8 8M12 4l-8 8',
	right: 'M6 3.5 10.5 8 6 12.5',
	down: 'M3.5 6 8 10.5 12.5 6',
	menu: 'M2 4h12M2 8h12M2 12h12',
	attach: 'M13 7.5l-5 5a3 3 0 0 1-4.3-4.3l5.5-5.4a2 2 0 0 1 2.9 2.8L6.7 11a1 1 0 0 1-1.4-1.4L10 5',
	download: 'M8 2v8M4.5 7 8 10.5 11.5 7M3 13.5h10',
	send: 'M2 8 14 2.5 10.5 14 8 9z',
	pause: 'M5.5 3v10M10.5 3v10',
	play: 'M4.5 2.8 13 8l-8.5 5.2z',
	restart: 'M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3',
	moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z',
	sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v2M8 13v2M1 8h2M13 8h2',
	screen: 'M2 3h12v8H2zM6 14h4',
	trash: 'M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.6 9h5.8l.6-9',
	plus: 'M8 3v10M3 8h10',
	check: 'M3 8.5 6.5 12 13 4.5',
	warn: 'M8 2 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.2',
	signout: 'M6.5 2.5H3v11h3.5M7 8h7M11 5l3 3-3 3',
	copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
	edit: 'M3 13l.6-2.8L10.7 3 13 5.3l-7.2 7.1z',
	agent: 'M3 5.5h10v7H3zM8 5.5V3M6 8.5v1M10 8.5v1',
	info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.3v3.7M8 5v.2',
};

export function icon(name) {
	return drawing(shapes[name], '0 0 16 16', 'icon');
}

export function drawing(path, box, className) {
	const element = document.createElementNS(svg, 'svg');
	element.setAttribute('viewBox', box);
	element.setAttribute('class', className);
	element.setAttribute('aria-hidden', 'true');
	const line = document.createElementNS(svg, 'path');
	line.setAttribute('d', path);
	element.append(line);
	return element;
}

/** A button with an icon and words; `kind` is how it looks, or attributes with it among them. */
export function button(label, iconName, onclick, kind = {}) {
	const {kind: look = '', ...attributes} = typeof kind === 'string' ? {kind} : kind;
	return h('button', {type: 'button', class: `button ${look}`, onclick, ...attributes}, iconName && icon(iconName), h('span', label));
}

/** A line of text that is no prose: nothing completes or corrects it. */
export const textInput = (attributes) => h('input', {type: 'text', autocomplete: 'off', spellcheck: 'false', ...attributes});

export function choice(options, attributes = {}) {
	const {value = options[0]?.[0], ...rest} = attributes;
	const element = h('select', rest, options.map(([name, label = name]) => h('option', {value: name}, label)));
	element.value = value;
	return element;
}

/** A button that shows an icon alone; its name is for screen readers and on hover. */
export function iconButton(label, iconName, onclick, attributes = {}) {
	return h('button', {type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick, ...attributes}, icon(iconName));
}

export function field(label, control, hint) {
	const id = control.id || (control.id = `f${++fields}`);
	const note = hint && h('p.hint', {id: `${id}-hint`}, hint);
	if (note) control.setAttribute('aria-describedby', note.id);
	return h('div.field', h('label', {for: id}, label), control, note);
}
let fields = 0;

export function facts(pairs, layout = '') {
	const hasValue = (value) => ![value].flat().every((part) => part === null || part === undefined || part === false || part === '');
	return h('div', {class: `facts ${layout}`}, pairs.filter(([, value]) => hasValue(value)).map(([label, value]) => h('dl', h('dt', label), h('dd', value))));
}

export function simpleTable(label, heads, rows) {
	return h('div.table-scroll', {tabindex: '0', role: 'region', 'aria-label': label}, h('table', h('thead', h('tr', heads.map((head) => h('th', {scope: 'col'}, head || h('span.visually-hidden', 'Actions'))))), h('tbody', rows.map((cells) => h('tr', cells.map((cell) => h('td', cell)))))));
}

export function debounce(action, delay) {
	let timer;
	return (...values) => {
		clearTimeout(timer);
		timer = setTimeout(action, delay, ...values);
	};
}

/** Calls a function at most once in `interval` ms, at once for the first call. */
export function throttle(action, interval) {
	let last = -Infinity;
	let timer = null;
	return () => {
		if (timer) return;
		const wait = Math.max(0, last + interval - performance.now());
		timer = setTimeout(() => {
			timer = null;
			last = performance.now();
			action();
		}, wait);
	};
}

const disc = 'M6 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z';
const cross = 'M2.5 2.5l7 7M9.5 2.5l-7 7';
const tick = 'M2 6.5 4.8 9.3 10 3';
const bars = 'M4 2v8M8 2v8';
const crescent = 'M9.8 7.3A4.3 4.3 0 0 1 4.7 2.2a4.3 4.3 0 1 0 5.1 5.1z';
const clock = `${disc}M6 3.5V6l1.8 1.2`;
const triangle = 'M6 1.5 11 10.5H1zM6 5v2.5';
const dashes = 'M6 1.5a4.5 4.5 0 0 1 4.5 4.5M6 10.5A4.5 4.5 0 0 1 1.5 6';
const minus = 'M2 6h8';
const play = 'M3.5 2 10 6l-6.5 4z';
const turn = 'M10 6a4 4 0 1 1-1.2-2.9M10 1.5v2.3H7.7';

/** Tone, shape, whether it is filled, and the statuses that look so. */
const looks = [
	['good', disc, true, 'online ready'], ['good', tick, false, 'delivered completed ok up'],
	['info', dashes, false, 'provisioning'], ['info', clock, false, 'awaiting_agent waiting queued pending'], ['info', play, true, 'running dispatched operator'],
	['warn', triangle, false, 'degraded holding'], ['warn', turn, false, 'retrying stale'], ['warn', minus, false, 'skipped refused'],
	['bad', cross, false, 'failed failing error silent down'], ['bad', disc, false, 'offline'], ['bad', clock, false, 'late'], ['bad', triangle, false, 'not_ready'],
	['idle', bars, false, 'paused'], ['idle', crescent, false, 'hibernating'], ['idle', crescent, true, 'hibernated'], ['idle', minus, false, 'removed dropped'], ['idle', clock, false, 'unknown'],
];
const lookOf = (status) => looks.find(([, , , names]) => names.split(' ').includes(status)) ?? ['idle', disc];

export function statusShape(status) {
	const [tone, shape, filled] = lookOf(status);
	return drawing(shape, '0 0 12 12', `shape ${tone}${filled ? ' filled' : ''}${/^(provision|hibernat)ing$/.test(status) ? ' turning' : ''}`);
}

export const toneOf = (status) => lookOf(status)[0];

class StatusPill extends HTMLElement {
	static observedAttributes = ['status'];

	attributeChangedCallback() {
		const status = this.getAttribute('status');
		this.className = `pill ${toneOf(status)}`;
		fill(this, statusShape(status), h('span', status === 'dispatched' ? 'running' : words(status)));
	}
}
customElements.define('status-pill', StatusPill);

export const pill = (status) => h('status-pill', {status});

const longest = 200000;

export function richText(text) {
	const root = h('div.rich');
	const source = String(text);
	const parts = source.slice(0, longest).split(/^```[^\n]*\n?/m);
	parts.forEach((part, place) => {
		if (place % 2 === 1) root.append(h('pre', {tabindex: '0'}, h('code', part.replace(/\n$/, ''))));
		else blocks(root, part);
	});
	if (source.length > longest) root.append(h('p.hint', `… ${source.length - longest} more characters`));
	return root;
}

function blocks(root, text) {
	let list = null;
	for (const block of text.split(/\n{2,}/)) {
		list = null;
		let paragraph = null;
		for (const line of block.split('\n')) {
			const item = line.match(/^\s*(?:[-*•]|\d{1,3}[.)])\s+(.*)$/);
			if (item) {
				paragraph = null;
				if (!list) root.append((list = h('ul')));
				list.append(h('li', inline(item[1])));
				continue;
			}
			list = null;
			if (!line.trim() && !paragraph) continue;
			if (!paragraph) root.append((paragraph = h('p')));
			else paragraph.append('\n');
			paragraph.append(...inline(line.replace(/^#{1,6}\s+/, '')));
		}
	}
}

function inline(text) {
	const nodes = [];
	const pattern = /`([^`]+)`|\*\*([^*]+)\*\*|(https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]])/g;
	let from = 0;
	for (const match of text.matchAll(pattern)) {
		nodes.push(document.createTextNode(text.slice(from, match.index)));
		const [whole, code, strong, address] = match;
		nodes.push(code ? h('code', code) : strong ? h('strong', strong) : outwardLink(address));
		from = match.index + whole.length;
	}
	nodes.push(document.createTextNode(text.slice(from)));
	return nodes;
}

export function jsonBlock(value, label) {
	const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
	return h('pre.json', {tabindex: '0', role: 'region', 'aria-label': label}, h('code', text));
}

const whole = new Intl.NumberFormat('en');
const money = new Intl.NumberFormat('en', {minimumFractionDigits: 2, maximumFractionDigits: 2});

export const count = (number) => whole.format(number ?? 0);

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

export const cents = (amount) => money.format((amount ?? 0) / 100);

export function bytes(size) {
	if (size < 1000) return `${size} B`;
	if (size < 1e6) return `${(size / 1e3).toFixed(1)} kB`;
	return `${(size / 1e6).toFixed(1)} MB`;
}

/** Seconds of each unit, and below how many of it the next smaller one is told, too. */
const units = [['d', 86400, 10], ['h', 3600, 24], ['min', 60, 10], ['s', 1, 0]];

export function duration(seconds, isShort = false) {
	const total = Math.max(0, Math.floor(seconds));
	const place = units.findIndex(([, size]) => total >= size || size === 1);
	const [unit, size, few] = units[place];
	const number = Math.floor(total / size);
	const [smaller, part] = units[place + 1] ?? [];
	const rest = !isShort && number < few && Math.floor((total % size) / part);
	return `${number} ${unit}${rest ? ` ${rest} ${smaller}` : ''}`;
}

export const shortDuration = (seconds) => duration(seconds, true);

export function milliseconds(time) {
	if (time === null || time === undefined) return '';
	if (time < 1000) return `${time} ms`;
	if (time < 60000) return `${(time / 1000).toFixed(1)} s`;
	return duration(time / 1000);
}

export const shortID = (id) => (id ? id.slice(0, 8) : '');

/** A word of the API as a word of a sentence: `awaiting_agent` is "awaiting agent". */
export const words = (name) => String(name ?? '').replaceAll('_', ' ').replaceAll('-', ' ');

export function title(name) {
	const text = words(name);
	return text.charAt(0).toUpperCase() + text.slice(1);
}
