// Whether all is well, for the first look: counts of the fleet, and what needs attention, each with the place that says why.

import { get } from './api.js';
import { plural, shortDuration } from './format.js';
import { throttle } from './dom.js';
import { href } from './router.js';

const often = 5000;
const seldom = 30000;
/** Waiting for longer than this is told on the first screen, in seconds. */
const longWait = 900;

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

  /** Reads the counts again, at most once in some seconds. */
  refresh = throttle(() => this.#timers.length && this.#readFleet(), often);

  /** What changes the counts. */
  events(batch) {
    if (batch.some((event) => event.type !== 'WORKSPACE_HEARTBEAT' && event.type !== 'TASK_UPDATED' && event.type !== 'ACTIVITY_LOGGED')) this.refresh();
    if (batch.some((event) => event.type.startsWith('SWEEP_'))) void this.#readSlow();
  }

  async #readFleet() {
    const fleet = await this.#read('/admin/fleet');
    if (fleet) this.fleet = fleet;
    this.#judge();
  }

  async #readSlow() {
    const [instances, guard, schedules, dead, failed] = await Promise.all([
      this.#read('/admin/instances'), this.#read('/admin/sweeps/guard'), this.#read('/admin/schedules', { condition: 'late,failing', limit: 1 }),
      this.#read('/admin/dead-letters', { limit: 100 }), this.#read('/admin/queue', { state: 'failed', limit: 1 }),
    ]);
    Object.assign(this.#parts, { instances, guard, schedules, dead, failed });
    this.isComplete = true;
    this.#judge();
  }

  /** One part that cannot be read must not hide the others. */
  async #read(path, query) {
    try {
      return await get(path, query, { quiet: true });
    } catch {
      return null;
    }
  }

  #judge() {
    const { instances, guard, schedules, dead, failed } = this.#parts;
    const { fleet } = this;
    const found = [];
    const add = (number, text, target) => number > 0 && found.push({ text: text(number), href: target, number });
    if (fleet) {
      add(fleet.by_status.failed, (n) => `${plural(n, 'workspace')} failed`, href('fleet', null, { status: 'failed' }));
      add(fleet.by_status.degraded, (n) => `${plural(n, 'workspace')} degraded`, href('fleet', null, { status: 'degraded' }));
      add(fleet.by_status.offline, (n) => `${plural(n, 'workspace')} offline`, href('fleet', null, { status: 'offline' }));
      if (fleet.queue.oldest_waiting_seconds > longWait) add(1, () => `a message has waited ${shortDuration(fleet.queue.oldest_waiting_seconds)}`, href('messages', null, { state: 'waiting,retrying', older_than: longWait }));
    }
    add(failed?.total, (n) => `${plural(n, 'message')} failed`, href('messages', null, { state: 'failed' }));
    add(schedules?.total, (n) => `${plural(n, 'schedule')} late or failing`, href('schedules', null, { condition: 'late,failing' }));
    add(dead?.length, (n) => `${n >= 100 ? '100 or more dead letters' : plural(n, 'dead letter')}`, href('messages', null, { tab: 'dead' }));
    const missing = instances?.instances.filter((instance) => !instance.is_ready || !instance.is_alive).length;
    add(missing, (n) => `${plural(n, 'instance')} not ready`, href('health'));
    for (const scope of ['ours', 'remote']) add(guard?.[scope]?.held && guard[scope].reason !== 'grace' ? 1 : 0, () => 'the mass-offline guard holds', href('health'));
    this.problems = found;
    this.dispatchEvent(new CustomEvent('change'));
  }
}

export const overview = new Overview();
