// Names of workspaces by id.

import {h, setText, shortID, textInput} from './dom.js';
import {peek} from './api.js';
import {href} from './router.js';

const names = new Map();
const wanted = new Set();
const longest = 50000;
let isAsking = false;

export function learnName(id, name) {
	if (!id || !name) return;
	if (names.size > longest) names.clear();
	names.set(id, name);
}

export const nameOf = (id) => names.get(id) ?? shortID(id);

export function workspaceLink(id, name) {
	if (!id) return null;
	learnName(id, name);
	if (!names.has(id) && wanted.size < 200) {
		wanted.add(id);
		void askAll();
	}
	return h('a.name', {href: href('workspace', id), title: name, 'data-name-of': id}, nameOf(id));
}

async function askAll() {
	if (isAsking) return;
	isAsking = true;
	await null;
	for (const id of wanted) {
		try {
			learnName(id, (await peek(`/workspaces/${id}`)).name);
		} catch {
			learnName(id, shortID(id)); // Removed, or out of reach: its id must do
		}
		wanted.delete(id);
		for (const link of document.querySelectorAll(`[data-name-of="${CSS.escape(id)}"]`)) setText(link, nameOf(id));
	}
	isAsking = false;
}

/** A field that finds a workspace; `value` is its id, `extra` are other choices of `[value, name]`. */
export function workspacePicker({label, value = '', extra = [], onchange = () => {}, placeholder}) {
	const list = h('datalist', {id: `list-${crypto.randomUUID()}`});
	const found = new Map(extra.map(([id, name]) => [name, id]));
	const input = textInput({class: 'picker', list: list.id, placeholder, 'aria-label': label, onfocus: search, oninput: typed, onchange: settle});
	const picker = {element: h('span.picker-box', input, list), input, list, value, set};
	let timer;
	let turn = 0;

	async function set(id) {
		picker.value = id;
		const own = extra.find(([key]) => key === id)?.[1];
		input.value = own ?? (id && nameOf(id));
		if (!id || own || names.has(id)) return;
		try {
			learnName(id, (await peek(`/workspaces/${id}`)).name);
		} catch { /* the id must do */ }
		if (picker.value === id) input.value = nameOf(id);
	}

	async function search() {
		const mine = ++turn;
		try {
			const {workspaces} = await peek('/admin/workspaces', {q: input.value, limit: 12, sort: 'name'});
			if (mine !== turn) return;
			const choices = workspaces.map(({id, name}) => [workspaces.some((other) => other.name === name && other.id !== id) ? `${name} · ${shortID(id)}` : name, id]);
			for (const [name, id] of choices) found.set(name, id);
			for (const {id, name} of workspaces) learnName(id, name);
			list.replaceChildren(...[...extra.map(([, name]) => name), ...choices.map(([name]) => name)].map((name) => h('option', {value: name})));
		} catch { /* an id can be given all the same */ }
	}

	function typed() {
		clearTimeout(timer);
		timer = setTimeout(search, 200);
		settle();
	}

	function settle(event) {
		const text = input.value.trim();
		const id = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(text) ? text.toLowerCase() : text && found.get(text);
		input.setCustomValidity(event && id === undefined ? 'No workspace has this name. Pick one of the list, or give its id.' : '');
		if (event) input.reportValidity();
		if (id === undefined || id === picker.value) return;
		picker.value = id;
		onchange(id);
	}

	void set(value);
	return picker;
}
