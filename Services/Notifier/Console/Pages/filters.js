// Filters that live in the address: controls that write it and follow it.

import {choice, debounce, fill, h} from './dom.js';
import {count} from './format.js';
import {workspacePicker} from './names.js';
import {statusShape} from './pill.js';
import {setParams} from './router.js';

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
	search: (spec) => typed(spec, {type: 'search', 'data-search': true, oninput: debounce((event) => setParams({[spec.name]: event.target.value.trim()}), 250)}),
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
	return {element, sync: (value) => element.value.trim() !== value && (element.value = value)};
}

function keepingFocus(element, draw) {
	const place = [...element.children].indexOf(document.activeElement);
	draw();
	if (place >= 0) element.children[place]?.focus();
}
