// The platform cannot work: says so, tries again, and gives the page back as it was.

import {button, fill, h, icon, now, peek, relative, setText} from './kit.js';

const first = 1000;
const longest = 30000;

export function showDownPage(error) {
	return new Promise((resolve) => {
		const before = document.activeElement;
		const next = h('p.down-next', {role: 'status'});
		const reason = h('p', error.sentence);
		const retry = button('Try now', 'restart', attempt, 'primary');
		const page = h('div.down', {role: 'alertdialog', 'aria-modal': 'true', 'aria-labelledby': 'down-title'},
			h('div.down-box', icon('warn'), h('h1', {id: 'down-title', tabindex: '-1'}, 'The platform is down'), reason,
				h('p', 'Accepted messages are safe in the database and are delivered when it is back. This page comes back by itself, where you were.'), next, h('div.row-actions', retry), h('p.hint', 'Down for ', relative(now(), 'for'), '.')));
		const app = document.getElementById('app');
		app.inert = true;
		const title = document.title;
		document.title = 'Platform down';
		document.body.append(page);
		page.querySelector('h1').focus();

		let wait = first;
		let timer = null;
		const path = error.path || '/console/session';
		plan();

		function plan() {
			const delay = wait * (0.8 + Math.random() * 0.4);
			fill(next, 'Trying again ', relative(now() + delay, 'until'), '.');
			timer = setTimeout(attempt, delay);
		}

		async function attempt() {
			if (!timer) return;
			clearTimeout(timer);
			timer = null;
			setText(next, 'Trying again…');
			const failure = await probe(path);
			if (failure) {
				setText(reason, failure.sentence);
				wait = Math.min(longest, wait * 2);
				return plan();
			}
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
