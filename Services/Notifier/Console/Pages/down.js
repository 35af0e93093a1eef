// The platform cannot work: says so, tries again, and gives the page back as it was.

import {button, duration, peek, h, icon, setText} from './kit.js';

const first = 1000;
const longest = 30000;

export function showDownPage(error) {
	return new Promise((resolve) => {
		const since = Date.now();
		const before = document.activeElement;
		const next = h('p.down-next', {role: 'status'});
		const lasted = h('p.hint');
		const reason = h('p', error.sentence);
		const retry = button('Try now', 'restart', () => attempt(), 'primary');
		const page = h('div.down', {role: 'alertdialog', 'aria-modal': 'true', 'aria-labelledby': 'down-title'},
			h('div.down-box', icon('warn'), h('h1', {id: 'down-title', tabindex: '-1'}, 'The platform is down'), reason,
				h('p', 'Accepted messages are safe in the database and are delivered when it is back. This page comes back by itself, where you were.'), next, h('div.row-actions', retry), lasted));
		const app = document.getElementById('app');
		app.inert = true;
		const title = document.title;
		document.title = 'Platform down';
		document.body.append(page);
		page.querySelector('h1').focus();

		let wait = first;
		let at = Date.now() + wait;
		let isTrying = false;
		const path = error.path || '/console/session';

		const clock = setInterval(() => {
			const seconds = Math.ceil((at - Date.now()) / 1000);
			setText(lasted, `Down for ${duration((Date.now() - since) / 1000)}.`);
			if (isTrying) return;
			setText(next, seconds > 0 ? `Trying again in ${seconds} s.` : 'Trying again…');
			if (seconds <= 0) void attempt();
		}, 250);

		async function attempt() {
			if (isTrying) return;
			isTrying = true;
			setText(next, 'Trying again…');
			const failure = await probe(path);
			isTrying = false;
			if (failure) {
				setText(reason, failure.sentence);
				wait = Math.min(longest, wait * 2);
				at = Date.now() + wait * (0.8 + Math.random() * 0.4);
				return;
			}
			clearInterval(clock);
			page.remove();
			app.inert = false;
			document.title = title;
			if (before?.isConnected) before.focus();
			resolve();
		}
	});
}

async function probe(path) {
	try {
		await peek(path);
		return null;
	} catch (error) {
		// Any answer but these is for the screen to deal with.
		return error.isPlatformDown || error.body.code || error.status === 502 || error.status === 504 ? error : null;
	}
}
