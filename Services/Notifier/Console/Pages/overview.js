// Whether all is well: the counts of the fleet, and what needs attention.

import {get, href, peek, plural, shortDuration, throttle} from './kit.js';

const often = 5000;
const seldom = 30000;
const longWait = 900;

const quietly = (path, query) => peek(path, query).catch(() => null);

class Overview extends EventTarget {
	fleet = null;
	problems = [];
	isComplete = false;
	#parts = {};
	#timers = [];

	start() {
		this.stop();
		this.#timers = [setInterval(() => document.hidden || this.refresh(), 3 * often), setInterval(() => document.hidden || this.#readSlow(), seldom)];
		void this.#readFleet();
		void this.#readSlow();
	}

	stop() {
		for (const timer of this.#timers) clearInterval(timer);
		this.#timers = [];
	}

	refresh = throttle(() => this.#timers.length && this.#readFleet(), often);

	events(batch) {
		if (batch.some((event) => event.type !== 'WORKSPACE_HEARTBEAT' && event.type !== 'TASK_UPDATED' && event.type !== 'ACTIVITY_LOGGED')) this.refresh();
		if (batch.some((event) => event.type.startsWith('SWEEP_'))) void this.#readSlow();
	}

	async #readFleet() {
		try {
			this.fleet = await get('/admin/fleet');
		} catch { /* when nothing works, the shell is told */ }
		this.#judge();
	}

	async #readSlow() {
		const [instances, guard, schedules, dead, failed] = await Promise.all([
			quietly('/admin/instances'), quietly('/admin/sweeps/guard'), quietly('/admin/schedules', {condition: 'late,failing', limit: 1}),
			quietly('/admin/dead-letters', {limit: 100}), quietly('/admin/queue', {state: 'failed', limit: 1}),
		]);
		Object.assign(this.#parts, {instances, guard, schedules, dead, failed});
		this.isComplete = true;
		this.#judge();
	}

	#judge() {
		const {instances, guard, schedules, dead, failed} = this.#parts;
		const {by_status: by = {}, queue} = this.fleet ?? {};
		const oldest = queue?.oldest_waiting_seconds;
		const held = ['ours', 'remote'].some((scope) => guard?.[scope].held && guard[scope].reason !== 'grace');
		this.problems = [
			...['failed', 'degraded', 'offline'].map((status) => [by[status], `${plural(by[status], 'workspace')} ${status}`, 'fleet', {status}]),
			[oldest > longWait && 1, `a message has waited ${shortDuration(oldest)}`, 'messages', {state: 'waiting,retrying', older_than: longWait}],
			[failed?.total, `${plural(failed?.total, 'message')} failed`, 'messages', {state: 'failed'}],
			[schedules?.total, `${plural(schedules?.total, 'schedule')} late or failing`, 'schedules', {condition: 'late,failing'}],
			[dead?.length, dead?.length >= 100 ? '100 or more dead letters' : plural(dead?.length, 'dead letter'), 'messages', {tab: 'dead_letters'}],
			[instances?.instances.filter((one) => !one.is_ready || !one.is_alive).length, 'instances not ready', 'health'],
			[held && 1, 'the mass-offline guard holds', 'health'],
		].filter(([number]) => number > 0).map(([number, text, place, query]) => ({number, text, place, href: href(place, null, query)}));
		this.dispatchEvent(new Event('change'));
	}
}

export const overview = new Overview();
