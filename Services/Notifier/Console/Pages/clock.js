// One clock for the page, corrected by the server’s, and the times that it moves.

import {duration, h, setText, shortDuration} from './dom.js';

let offset = 0;
const shown = new Set();

/** The server's time in ms: a wrong clock on the desk must not make heartbeats look late. */
export const now = () => Date.now() + offset;

export function learnServerTime(date) {
	const difference = Date.parse(date) + 500 - Date.now();
	if (Number.isFinite(difference)) offset = Math.abs(difference) > 2000 ? difference : 0;
}

setInterval(() => {
	if (document.hidden) return;
	for (const element of shown) element.refresh();
}, 1000);
document.addEventListener('visibilitychange', () => {
	for (const element of shown) element.refresh();
});

const local = new Intl.DateTimeFormat('sv', {dateStyle: 'short', timeStyle: 'medium'});
const zone = new Intl.DateTimeFormat('en', {timeZoneName: 'short', hour: 'numeric'});

export function exact(time) {
	const date = new Date(time);
	if (Number.isNaN(date.getTime())) return '';
	const name = zone.formatToParts(date).find((part) => part.type === 'timeZoneName')?.value ?? '';
	const utc = date.toISOString().replace('T', ' ').slice(0, 19);
	return name === 'UTC' ? `${utc} UTC` : `${local.format(date)} ${name} · ${utc} UTC`;
}

export const timeOfDay = (time) => new Date(time).toLocaleTimeString('sv');

export function inZone(time, timeZone) {
	try {
		return new Intl.DateTimeFormat('en-GB', {timeZone, weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short'}).format(new Date(time));
	} catch {
		return exact(time);
	}
}

/**
 * `<relative-time>`: "12 s ago", "in 4 min". Mode `ago` (the default), `until`, `for` (how long it has lasted), `left`.
 * The exact time is in its title, and in a note of its own while it has the focus.
 */
class RelativeTime extends HTMLElement {
	#time = NaN;

	set at(value) {
		this.#time = typeof value === 'number' ? value : Date.parse(value);
		this.title = exact(this.#time);
		this.refresh();
	}

	connectedCallback() {
		shown.add(this);
		if (!this.hasAttribute('tabindex')) this.tabIndex = 0;
		this.addEventListener('focus', showNote);
		this.addEventListener('blur', hideNote);
		this.refresh();
	}

	disconnectedCallback() {
		shown.delete(this);
		if (note.dataset.owner === this.title) hideNote();
	}

	refresh() {
		if (!Number.isNaN(this.#time)) setText(this, this.#words());
	}

	#words() {
		const seconds = (now() - this.#time) / 1000;
		switch (this.getAttribute('mode')) {
			case 'until': return seconds >= 0 ? (seconds < 2 ? 'now' : `due ${duration(seconds)} ago`) : `in ${duration(-seconds)}`;
			case 'left': return seconds >= 0 ? 'no time left' : `${duration(-seconds)} left`;
			case 'for': return duration(seconds);
			default: return seconds < 1 ? 'now' : `${this.hasAttribute('short') ? shortDuration(seconds) : duration(seconds)} ago`;
		}
	}
}
customElements.define('relative-time', RelativeTime);

export function relative(time, mode = 'ago', attributes = {}) {
	if (time === null || time === undefined) return null;
	const element = h('relative-time', {mode, ...attributes});
	element.at = time;
	return element;
}

const note = h('div', {id: 'time-note', class: 'time-note', role: 'tooltip', hidden: true});

function showNote(event) {
	const element = event.currentTarget;
	if (!note.isConnected) document.body.append(note);
	note.textContent = element.title;
	note.dataset.owner = element.title;
	note.hidden = false;
	(element.closest('dialog') ?? document.body).append(note);
	const box = element.getBoundingClientRect();
	note.style.left = `${Math.max(8, Math.min(box.left, innerWidth - note.offsetWidth - 8))}px`;
	note.style.top = `${box.bottom + 6 + note.offsetHeight > innerHeight ? box.top - note.offsetHeight - 6 : box.bottom + 6}px`;
	element.setAttribute('aria-describedby', note.id);
}

function hideNote(event) {
	note.hidden = true;
	event?.currentTarget?.removeAttribute('aria-describedby');
}
