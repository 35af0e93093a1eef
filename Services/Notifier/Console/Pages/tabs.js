// Tabs whose choice is in the address.

import {h} from './dom.js';
import {title} from './format.js';
import {setParams} from './router.js';

/** Tabs of these names over the element with the id `panel`; the first one is what no choice means. */
export function tabStrip(label, names) {
	const buttons = names.map((name) => h('button', {type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': 'panel', onclick: () => setParams({tab: name === names[0] ? null : name, open: null, state: null, condition: null, q: null, type: null}, {push: true})}, title(name)));
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
			buttons.forEach((button, place) => {
				button.setAttribute('aria-selected', names[place] === chosen);
				button.tabIndex = names[place] === chosen ? 0 : -1;
			});
			return chosen;
		},
	};
}
