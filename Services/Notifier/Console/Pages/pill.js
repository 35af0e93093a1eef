// `<status-pill>`: a status by its shape, its word and its colour.

import {drawing, fill, h} from './dom.js';
import {words} from './format.js';

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
