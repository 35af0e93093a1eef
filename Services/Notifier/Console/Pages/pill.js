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

/** Per status: tone, shape, whether the shape is filled, and a word where it is not the status itself. */
const kinds = {
	// Workspaces
	online: ['good', disc, true], degraded: ['warn', triangle], failed: ['bad', cross], offline: ['bad', disc],
	provisioning: ['info', dashes], paused: ['idle', bars], hibernating: ['idle', crescent], hibernated: ['idle', crescent, true],
	awaiting_agent: ['info', clock], removed: ['idle', minus],
	// Messages and delegations
	waiting: ['info', clock], queued: ['info', clock], pending: ['info', clock], retrying: ['warn', turn], running: ['info', play, true],
	dispatched: ['info', play, true, 'running'], delivered: ['good', tick], completed: ['good', tick], dropped: ['idle', minus],
	// Schedules and their runs
	late: ['bad', clock], failing: ['bad', cross], stale: ['warn', turn], skipped: ['warn', minus], ok: ['good', tick], error: ['bad', cross],
	// Health and audit
	ready: ['good', disc, true], 'not ready': ['bad', triangle], silent: ['bad', cross], up: ['good', tick], down: ['bad', cross],
	refused: ['warn', minus], unknown: ['idle', clock], holding: ['warn', triangle], operator: ['info', play, true], viewer: ['idle', disc],
};

export function statusShape(status) {
	const [tone, shape, filled] = kinds[status] ?? ['idle', disc];
	return drawing(shape, '0 0 12 12', `shape ${tone}${filled ? ' filled' : ''}${status === 'provisioning' || status === 'hibernating' ? ' turning' : ''}`);
}

export const toneOf = (status) => (kinds[status] ?? ['idle'])[0];

class StatusPill extends HTMLElement {
	static observedAttributes = ['status'];

	attributeChangedCallback() {
		const status = this.getAttribute('status');
		this.className = `pill ${toneOf(status)}`;
		fill(this, statusShape(status), h('span', kinds[status]?.[3] ?? words(status)));
	}
}
customElements.define('status-pill', StatusPill);

export const pill = (status) => h('status-pill', {status});
