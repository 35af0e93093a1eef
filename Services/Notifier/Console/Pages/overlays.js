// What lies over the page: drawer, dialogs, notifications.

import {append, button, fill, h, icon, iconButton} from './dom.js';
import {APIError} from './api.js';

/** `<side-drawer>`: details beside a list. The shell closes it on Esc; the focus returns to where it was. */
class SideDrawer extends HTMLElement {
	#return = null;

	show(title, content, onclose) {
		const isNew = this.hidden !== false || !this.firstChild;
		if (isNew) this.#return = document.activeElement;
		const heading = h('h2', {tabindex: '-1', class: 'drawer-title', id: 'drawer-title'}, title);
		fill(this, h('div.drawer-head', heading, iconButton('Close', 'close', onclose)), h('div.drawer-body', {tabindex: '0', role: 'group', 'aria-labelledby': 'drawer-title'}, content));
		this.hidden = false;
		if (isNew) heading.focus();
	}

	update(content) {
		const body = this.querySelector('.drawer-body');
		if (!body) return;
		const hadFocus = body.contains(document.activeElement);
		fill(body, content);
		if (hadFocus) body.focus();
	}

	hide() {
		if (this.hidden) return;
		const hadFocus = this.contains(document.activeElement);
		this.hidden = true;
		this.replaceChildren();
		if (hadFocus) {
			if (this.#return?.isConnected) this.#return.focus();
			else document.querySelector('data-table')?.focusActive();
		}
	}
}
customElements.define('side-drawer', SideDrawer);

/** Opens a modal dialog. `build` gets a function that closes it with a result, which is what the promise gives. */
export function openDialog(title, build, {wide = false} = {}) {
	return new Promise((resolve) => {
		const before = document.activeElement;
		let result = null;
		const dialog = h('dialog', {class: wide ? 'dialog wide' : 'dialog', 'aria-labelledby': 'dialog-title'});
		const close = (value = null) => {
			result = value;
			dialog.close();
		};
		dialog.addEventListener('close', () => {
			if (dialog.contains(toasts)) document.body.append(toasts);
			dialog.remove();
			if (before?.isConnected) before.focus();
			resolve(result);
		});
		dialog.addEventListener('click', (event) => event.target === dialog && !wide && close());
		append(dialog, [h('div.dialog-head', h('h2', {id: 'dialog-title'}, title), iconButton('Close', 'close', () => close())), build(close)]);
		document.querySelector('main').append(dialog); // Inside a landmark
		dialog.showModal();
		dialog.querySelector('[autofocus]')?.focus();
	});
}

const sheet = (body, ...foot) => [h('div.dialog-body', body), h('div.dialog-foot', foot)];

/** Asks before something happens; destructive ones begin on going back. */
export function confirmDialog({title, body, action, danger = false}) {
	return openDialog(title, (close) => sheet(body, button('Go back', null, () => close(false), {autofocus: danger}), button(action, null, () => close(true), {kind: danger ? 'danger' : 'primary', autofocus: !danger})));
}

export const tell = (title, body) => openDialog(title, (close) => sheet(body, button('Close', null, () => close(), 'primary')), {wide: true});

/** A form in a dialog: `submit` answers what the dialog closes with, or nothing to stay open. */
export function formDialog(title, fields, action, submit, options) {
	return openDialog(title, (close) => h('form', {onsubmit: async (event) => {
		event.preventDefault();
		const result = await submit();
		if (result) close(result);
	}}, sheet(h('div.form', fields), button('Cancel', null, () => close()), button(action, null, null, {kind: 'primary', type: 'submit'}))), options);
}

export function showOnce(title, explanation, secret, more) {
	const body = [h('p', explanation), secret && h('div.secret', h('code', secret), copyButton(secret, 'Copy the token')), more];
	return openDialog(title, (close) => sheet(body, button('I have stored it', null, () => close(), 'primary')), {wide: true});
}

export function copyButton(text, label = 'Copy') {
	return iconButton(label, 'copy', async (event) => {
		const target = event.currentTarget;
		try {
			await navigator.clipboard.writeText(text);
			notify('Copied.');
		} catch {
			notify('The browser does not let this page copy. Select the text and copy it by hand.');
		}
		target.focus();
	});
}

export function notify(text) {
	const toast = show('good', 'check', h('p', text));
	setTimeout(() => !toast.matches(':hover, :focus-within') && toast.remove(), 6000);
}

export function notifyError(what, error) {
	show('bad', 'warn', errorText(what, error));
}

const toasts = document.getElementById('toasts');

function show(tone, shape, content) {
	const toast = h(`div.toast.${tone}`, icon(shape), content, iconButton('Dismiss', 'close', () => toast.remove()));
	// What is outside a modal dialog can be neither read nor dismissed.
	const place = document.querySelector('dialog[open]') ?? document.body;
	if (!place.contains(toasts)) place.append(toasts);
	[...toasts.children].find((one) => one.textContent === toast.textContent)?.remove();
	// Errors stay; what is no error makes room.
	if (toasts.children.length >= 5) toasts.querySelector('.toast.good')?.remove();
	toasts.append(toast);
	return toast;
}

function errorText(what, error) {
	const isKnown = error instanceof APIError;
	return h('div', h('p.strong', what), h('p', isKnown ? `${error.sentence} ${error.advice}` : `${error?.message ?? error}`));
}

export function errorPanel(what, error, retry) {
	return h('div.notice.bad', {role: 'alert'}, icon('warn'), errorText(what, error), retry && button('Try again', 'restart', retry));
}

export function emptyState(title, advice, ...actions) {
	return h('div.empty', h('p.strong', title), h('p', advice), actions.length > 0 && h('div.row-actions', actions));
}

/** Runs something a person asked for; says how it went. Answers whether it worked. */
export async function attempt(failure, action, success) {
	try {
		const result = await action();
		for (const toast of [...toasts.children]) if (toast.textContent.startsWith(failure)) toast.remove();
		const text = typeof success === 'function' ? success(result) : success;
		if (text) notify(text);
		return result ?? true;
	} catch (error) {
		if (error.name !== 'AbortError') notifyError(failure, error);
		return false;
	}
}

/** Reads something and draws it; else an error stands in its place, with a way to try again. */
export async function load(place, failure, read, draw) {
	try {
		const answer = await read();
		draw(answer);
	} catch (error) {
		fill(place, errorPanel(failure, error, () => load(place, failure, read, draw)));
	}
}
