// The one live connection, resumed where it broke, handed on in batches. A WebSocket: of event streams a browser opens six
// for all of its tabs, and then nothing else.

import {now} from './clock.js';

const interval = 250;
const capacity = 4000;
const longestWait = 30000;

class LiveStream extends EventTarget {
	state = 'off';
	retryAt = 0;

	#source = null;
	#lastID = null;
	#waiting = [];
	#overflowed = false;
	#timer = null;
	#retry = null;
	#failures = 0;
	#openedAt = 0;
	#wasOpen = false;

	start() {
		if (this.#source || this.state === 'paused') return;
		clearTimeout(this.#retry);
		if (this.state !== 'reconnecting') this.#setState('connecting');
		const address = new URL(this.#lastID ? `/ws?since=${encodeURIComponent(this.#lastID)}` : '/ws', location.href);
		address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
		address.hash = '';
		const source = new WebSocket(address);
		this.#source = source;
		source.onopen = () => source === this.#source && this.#opened();
		source.onmessage = (message) => source === this.#source && this.#take(message);
		source.onclose = () => source === this.#source && this.#broke();
	}

	stop() {
		clearTimeout(this.#retry);
		const source = this.#source;
		this.#source = null;
		source?.close();
		this.#waiting = [];
		this.#failures = 0;
		this.#setState('off');
	}

	forget() {
		this.stop();
		this.#lastID = null;
		this.#wasOpen = false;
	}

	pause() {
		this.stop();
		this.#setState('paused');
	}

	resume() {
		if (this.state === 'paused') this.state = 'off';
		this.start();
	}

	#opened() {
		this.#failures = 0;
		this.#openedAt = now();
		this.#setState(this.#lastID ? 'replaying' : 'live');
		if (this.#lastID) setTimeout(() => this.state === 'replaying' && this.#setState('live'), 1500);
		// What is not durable is not replayed: lists are read again after every gap.
		if (this.#wasOpen) this.dispatchEvent(new Event('reload'));
		this.#wasOpen = true;
	}

	#take(message) {
		if (this.#waiting.length >= capacity) this.#overflowed = true;
		else this.#waiting.push(message.data);
		this.#timer ??= setTimeout(() => requestAnimationFrame(() => this.#flush()), interval);
		// A hidden page draws no frames; its queue is bounded and read when it is looked at again.
	}

	#flush() {
		this.#timer = null;
		const texts = this.#waiting;
		this.#waiting = [];
		const batch = [];
		let isGap = this.#overflowed;
		this.#overflowed = false;
		for (const text of texts) {
			let event;
			try {
				const {event: type, workspace_id, timestamp, payload, id} = JSON.parse(text);
				event = {type, workspace_id: workspace_id || null, timestamp: Date.parse(timestamp), data: payload};
				if (id) this.#lastID = id;
			} catch {
				continue;
			}
			if (event.type === 'STREAM_RESET' || event.type === 'STREAM_LAGGED') isGap = true;
			batch.push(event);
		}
		if (this.state === 'replaying' && batch.at(-1)?.timestamp >= this.#openedAt) this.#setState('live');
		this.dispatchEvent(new CustomEvent('batch', {detail: batch}));
		if (isGap) this.dispatchEvent(new Event('reload'));
	}

	#broke() {
		this.#source = null;
		this.#failures += 1;
		const wait = Math.min(longestWait, 1000 * 2 ** (this.#failures - 1)) * (0.8 + Math.random() * 0.4);
		this.retryAt = Date.now() + wait;
		this.#setState('reconnecting');
		this.dispatchEvent(new Event('broke'));
		this.#retry = setTimeout(() => this.start(), wait);
	}

	#setState(state) {
		this.state = state;
		this.dispatchEvent(new Event('state'));
	}
}

export const stream = new LiveStream();
