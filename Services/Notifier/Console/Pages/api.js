// Calls of the HTTP API. The session is a cookie: there is no credential in this page.

import {learnServerTime} from './clock.js';

export class APIError extends Error {
	constructor(status, body, path) {
		super(body?.error || (status === 0 ? 'The platform does not answer' : `The platform answered ${status}`));
		this.status = status;
		this.body = body ?? {};
		this.path = path;
	}

	get isPlatformDown() {
		return this.status === 0 || this.body.code === 'platform_unavailable';
	}

	get sentence() {
		const {field, reason} = this.body;
		const text = this.message.charAt(0).toUpperCase() + this.message.slice(1);
		return reason ? `${text}: ${field ? `${field} ` : ''}${reason}.` : `${text}.`;
	}

	get advice() {
		if (this.status === 0) return 'Check the connection; the page tries again by itself.';
		if (this.body.code) return 'A part of the platform does not answer. Try again in a moment; Health says what is missing.';
		const after = this.body.retry_after;
		return {
			400: 'Change what is named and try again.',
			403: this.message === 'read-only token' ? 'Sign in with an operator’s token to change things.' : 'Your token may not do this.',
			404: 'It may have been removed meanwhile; reload the list.',
			409: 'Its state has changed; look at it again before you retry.',
			413: 'Send less at once.',
			429: `Try again in ${after ?? 60} s.`,
			502: 'The agent could not be reached. Look at its status and address.',
			503: `Try again in ${after ?? 30} s.`,
		}[this.status] ?? 'Try again; if it stays, the Health screen and the logs say more.';
	}
}

/** `down` when the platform cannot work, `signedout` when the session is over; the shell listens. */
export const apiEvents = new EventTarget();

export function withQuery(path, query) {
	const search = new URLSearchParams();
	for (const [name, value] of Object.entries(query ?? {})) {
		if (value !== null && value !== undefined && value !== '') search.set(name, Array.isArray(value) ? value.join(',') : value);
	}
	const text = search.toString();
	return text ? `${path}?${text}` : path;
}

export async function request(method, path, {query, body, form, signal, quiet} = {}) {
	const address = withQuery(path, query);
	const options = {method, signal, credentials: 'same-origin', headers: {Accept: 'application/json'}};
	if (form) options.body = form;
	else if (body !== undefined) {
		options.body = JSON.stringify(body);
		options.headers['Content-Type'] = 'application/json';
	}
	let response;
	let data;
	try {
		response = await fetch(address, options);
		const text = await response.text();
		data = text && (response.headers.get('Content-Type') ?? '').includes('json') ? JSON.parse(text) : text || null;
	} catch (error) {
		if (error.name === 'AbortError') throw error;
		throw failed(new APIError(0, null, address), method, quiet);
	}
	const date = response.headers.get('Date');
	if (date) learnServerTime(date);
	if (response.ok) return {data, headers: response.headers, status: response.status};
	throw failed(new APIError(response.status, typeof data === 'object' ? data : null, address), method, quiet);
}

function failed(error, method, quiet) {
	if (quiet) return error;
	if (error.status === 401) apiEvents.dispatchEvent(new Event('signedout'));
	else if (error.isPlatformDown && method === 'GET') apiEvents.dispatchEvent(new CustomEvent('down', {detail: error}));
	return error;
}

export const get = async (path, query) => (await request('GET', path, {query})).data;
/** The same; who asks deals with every failure, also when the session is over or the platform down. */
export const peek = async (path, query) => (await request('GET', path, {query, quiet: true})).data;
export const post = async (path, body, options) => (await request('POST', path, {body, ...options})).data;
export const put = async (path, body) => (await request('PUT', path, {body})).data;
export const patch = async (path, body) => (await request('PATCH', path, {body})).data;
export const remove = async (path, query) => (await request('DELETE', path, {query})).data;

export const session = {current: null};

export const canWrite = () => session.current?.role !== 'viewer';
