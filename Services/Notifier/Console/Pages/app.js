// The shell: who is signed in, where one is, what is live.

import {APIError, apiEvents, button, canWrite, currentRoute, field, fill, get, h, href, icon, iconButton, navigate, notifyError, now, peek, post, relative, request, session, setPageTitle, setText, statusShape, title} from './kit.js';
import {stream} from './stream.js';
import {overview} from './overview.js';
import {openPalette} from './palette.js';
import {fleetScreen} from './fleet.js';
import {workspaceScreen} from './workspace.js';
import {messagesScreen} from './messages.js';
import {schedulesScreen} from './schedules.js';
import {eventsScreen} from './events.js';
import {healthScreen} from './health.js';
import {auditScreen} from './audit.js';
import {createWorkspace} from './forms.js';
import {settingsScreen} from './settings.js';

const screens = {
	fleet: fleetScreen, workspace: workspaceScreen, messages: messagesScreen, schedules: schedulesScreen, events: eventsScreen,
	health: healthScreen, audit: auditScreen, settings: settingsScreen,
};
const places = ['fleet', 'messages', 'schedules', 'events', 'health', 'audit', 'settings'];

const root = document.getElementById('app');
let shell = null;
let screen = null;
let shownKey = null;
let isDown = false;

async function start() {
	try {
		session.current = await peek('/console/session');
	} catch (error) {
		if (error.status === 401) return showSignin();
		return goDown(error);
	}
	return showShell();
}

function showSignin(message) {
	closeShell();
	session.current = null;
	document.title = 'Sign in · Switchyard';
	fill(root, signinPage(signedIn, message));
	root.querySelector('input')?.focus();
}

function signedIn(answer) {
	session.current = answer;
	showShell();
}

function closeShell() {
	screen?.leave?.();
	screen = null;
	shownKey = null;
	shell = null;
	stream.forget();
	overview.stop();
	for (const dialog of document.querySelectorAll('dialog')) dialog.close();
}

function showShell() {
	shell = buildShell();
	fill(root, h('a.skip', {href: '#main', onclick: skip}, 'Skip to content'), shell.element);
	stream.start();
	overview.start();
	showRoute();
}

function skip(event) {
	event.preventDefault();
	document.getElementById('main').focus();
}

function buildShell() {
	const nav = h('nav.nav', {'aria-label': 'Screens', onclick: () => setMenu(false)}, h('ul', places.map((name) => h('li', h('a', {href: href(name), 'data-place': name}, icon(name), h('span', title(name)), h('span.badge', {hidden: true, role: 'img'}))))));
	const menu = iconButton('Menu', 'menu', () => setMenu(!nav.classList.contains('open')), {class: 'icon-button menu', 'aria-expanded': 'false'});
	const theme = iconButton('Theme', 'screen', () => {
		nextTheme();
		labelTheme();
	});
	function setMenu(isOpen) {
		nav.classList.toggle('open', isOpen);
		menu.setAttribute('aria-expanded', isOpen);
	}
	function labelTheme() {
		const [label, shape] = {system: ['as the system', 'screen'], light: ['light', 'sun'], dark: ['dark', 'moon']}[themeName()];
		fill(theme, icon(shape));
		theme.title = `Theme: ${label}`;
		theme.setAttribute('aria-label', `Theme: ${label}. Change`);
	}
	labelTheme();
	const live = h('button.live', {type: 'button', onclick: toggleLive});
	const main = h('main.main', {id: 'main', tabindex: '-1', onclick: () => setMenu(false)});
	const drawer = h('side-drawer.drawer', {hidden: true, role: 'dialog', 'aria-labelledby': 'drawer-title'});
	const key = navigator.platform.startsWith('Mac') ? '⌘K' : 'Ctrl K';
	const top = h('header.top', menu, h('a.brand', {href: href('fleet')}, h('img', {src: new URL('./favicon.svg', import.meta.url).pathname, alt: '', width: '24', height: '24'}), h('span.platform', session.current.platform_name || 'Switchyard')), h('span.spacer'), live,
		h('button.palette-button', {type: 'button', onclick: () => openPalette(commands()), 'aria-label': 'Search and commands'}, icon('search'), h('span', 'Search or act'), h('kbd', key)),
		theme, session.current.actor !== 'open' && iconButton('Sign out', 'signout', signOut));
	return {element: h('div.shell', top, nav, main, drawer), nav, live, main, drawer, theme, setMenu};
}

function commands() {
	const isPaused = stream.state === 'paused';
	return [
		...(canWrite() ? [{label: 'New workspace', icon: 'plus', run: createWorkspace}] : []),
		...places.map((name) => ({label: `Go to ${title(name)}`, icon: name, run: () => navigate(name)})),
		{label: `${isPaused ? 'Resume' : 'Pause'} live updates`, icon: isPaused ? 'play' : 'pause', run: toggleLive},
		{label: 'Change the theme', icon: 'moon', run: () => shell.theme.click()},
		{label: 'Sign out', icon: 'signout', run: signOut},
	];
}

async function signOut() {
	try {
		await request('DELETE', '/console/session', {quiet: true});
	} catch (error) {
		if (error.status !== 401) return notifyError('You are still signed in: signing out failed', error);
	}
	location.reload();
}

function showRoute() {
	if (!shell || isDown) return;
	const route = currentRoute();
	const build = screens[route.screen] ?? fleetScreen;
	const key = `${route.screen}/${route.id ?? ''}`;
	if (key !== shownKey) {
		screen?.leave?.();
		shell.setMenu(false);
		shell.drawer.hide();
		shownKey = key;
		screen = build({drawer: shell.drawer, id: route.id});
		fill(shell.main, screen.element);
		for (const link of shell.nav.querySelectorAll('a')) {
			const isHere = link.dataset.place === route.screen || (route.screen === 'workspace' && link.dataset.place === 'fleet');
			if (isHere) link.setAttribute('aria-current', 'page');
			else link.removeAttribute('aria-current');
		}
		screen.update(route);
		if (document.activeElement === document.body || shell.nav.contains(document.activeElement) || !document.activeElement.isConnected) screen.heading?.focus({preventScroll: true});
	} else {
		screen.update(route);
	}
	setPageTitle(screen.title);
}

function toggleLive() {
	if (stream.state === 'paused') stream.resume();
	else stream.pause();
}

function drawLive() {
	if (!shell) return;
	const seconds = Math.max(0, Math.ceil((stream.retryAt - Date.now()) / 1000));
	const [words, look] = {
		live: ['Live', 'online'], connecting: ['Connecting', 'retrying'], replaying: ['Replaying', 'running'], paused: ['Paused', 'paused'], off: ['Off'],
		reconnecting: [seconds ? `Reconnecting in ${seconds} s` : 'Reconnecting', 'retrying'],
	}[stream.state];
	fill(shell.live, statusShape(look), h('span', words));
	shell.live.dataset.state = stream.state;
	shell.live.title = stream.state === 'paused' ? 'Updates are paused. Resume' : 'Pause live updates';
}

async function goDown(error) {
	if (isDown) return;
	isDown = true;
	stream.stop();
	overview.stop();
	await showDownPage(error);
	isDown = false;
	if (!session.current) return void start();
	stream.start();
	overview.start();
	if (screen) screen.refresh();
	showRoute();
}

stream.addEventListener('state', drawLive);
setInterval(() => stream.state === 'reconnecting' && drawLive(), 500);
stream.addEventListener('reload', () => {
	overview.refresh();
	screen?.refresh();
});
stream.addEventListener('broke', async () => {
	// A WebSocket does not say why it ended: the session may be over, or the platform down.
	try {
		await get('/console/session');
	} catch { /* told by apiEvents */ }
});
stream.addEventListener('batch', ({detail: batch}) => {
	overview.events(batch);
	screen?.events?.(batch);
});
overview.addEventListener('change', () => {
	if (!shell) return;
	const numbers = {fleet: 0, messages: 0, schedules: 0, health: 0};
	for (const problem of overview.problems) {
		numbers[problem.place] += problem.number;
	}
	for (const [place, number] of Object.entries(numbers)) {
		const badge = shell.nav.querySelector(`[data-place=${place}] .badge`);
		badge.hidden = !number;
		setText(badge, number > 999 ? '999+' : String(number));
		badge.setAttribute('aria-label', `${number} need attention`);
	}
});
apiEvents.addEventListener('signedout', () => session.current && showSignin('Your session is over. Sign in again; you come back to where you were.'));
apiEvents.addEventListener('down', (event) => void goDown(event.detail));
window.addEventListener('hashchange', showRoute);
document.addEventListener('keydown', (event) => {
	if (!shell || isDown) return;
	if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
		event.preventDefault();
		if (!document.querySelector('dialog[open]')) openPalette(commands());
	} else if (event.key === '/' && !event.ctrlKey && !event.metaKey && !event.target.closest('input, textarea, select, dialog')) {
		const search = shell.main.querySelector('[data-search]');
		if (!search) return;
		event.preventDefault();
		search.focus();
		search.select();
	} else if (event.key === 'Escape' && shell.nav.matches('.open')) {
		shell.setMenu(false);
	} else if (event.key === 'Escape' && !shell.drawer.hidden && !event.defaultPrevented && !document.querySelector('dialog[open]')) {
		shell.drawer.querySelector('.drawer-head .icon-button').click();
	}
});
window.addEventListener('unhandledrejection', (event) => {
	if (event.reason instanceof APIError || event.reason?.name === 'AbortError') event.preventDefault();
});

const order = ['system', 'light', 'dark'];
const key = 'switchyard.theme';

const themeName = () => document.documentElement.dataset.theme ?? 'system';

function setTheme(name) {
	if (name === 'system') delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = name;
	try {
		localStorage.setItem(key, name);
	} catch { /* no storage */ }
}

function nextTheme() {
	setTheme(order[(order.indexOf(themeName()) + 1) % order.length]);
}

function signinPage(done, message) {
	const problem = h('p.form-error', {role: 'alert'});
	const token = h('input', {type: 'password', id: 'token', autocomplete: 'new-password', required: true});
	const submit = h('button', {type: 'submit', class: 'button primary'}, 'Sign in');
	const send = async (event) => {
		event.preventDefault();
		const text = token.value.trim();
		if (!text) {
			fill(problem, 'Enter a token.');
			return;
		}
		submit.disabled = true;
		fill(problem);
		try {
			const answer = await post('/console/session', {token: text}, {quiet: true});
			token.value = '';
			done(answer);
		} catch (error) {
			fill(problem, error.status === 401 ? 'This token is not valid. Copy it again, whole, or ask for a new one.' : `Signing in failed. ${error.sentence} ${error.advice}`);
			token.focus();
			token.select();
		} finally {
			submit.disabled = false;
		}
	};
	return h('main.signin',
		h('form', {onsubmit: send, novalidate: true},
			h('img', {src: new URL('./favicon.svg', import.meta.url).pathname, alt: '', width: '40', height: '40'}),
			h('h1', 'Sign in'),
			message && h('p.notice.info', {role: 'status'}, message),
			field('Token', token, 'The admin token or an organisation’s. It is exchanged for a session of 12 hours and kept nowhere.'),
			problem, submit));
}

const first = 1000;
const longest = 30000;

function showDownPage(error) {
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

await start();
