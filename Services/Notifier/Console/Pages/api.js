// Calls of the HTTP API. The session is a cookie that scripts cannot read: there is no credential in this page.

import { learnServerTime } from './clock.js';

/** What the API refused, or that it could not be reached (status 0). */
export class APIError extends Error {
  constructor(status, body, path) {
    super(body?.error || (status === 0 ? 'The platform does not answer' : `The platform answered ${status}`));
    this.status = status;
    this.body = body ?? {};
    this.path = path;
  }

  /** Whether no part of the platform can work now, in place of this one request alone. */
  get isPlatformDown() {
    return this.status === 0 || this.body.code === 'platform_unavailable';
  }

  /** What went wrong, in a sentence. */
  get sentence() {
    const { field, reason } = this.body;
    const text = this.message.charAt(0).toUpperCase() + this.message.slice(1);
    return reason ? `${text}: ${field ? `${field} ` : ''}${reason}.` : `${text}.`;
  }

  /** What the reader may try. */
  get advice() {
    if (this.status === 0) return 'Check the connection; the page tries again by itself.';
    if (this.body.code) return 'A part of the platform does not answer. Try again in a moment; Health says what is missing.';
    switch (this.status) {
      case 400: return 'Change what is named and try again.';
      case 403: return this.message === 'read-only token' ? 'Sign in with an operator’s token to change things.' : 'Your token may not do this.';
      case 404: return 'It may have been removed meanwhile; reload the list.';
      case 409: return 'Its state has changed; look at it again before you retry.';
      case 413: return 'Send less at once.';
      case 429: return `Too many requests. Try again in ${this.body.retry_after ?? 60} s.`;
      case 502: return 'The agent could not be reached. Look at its status and address.';
      case 503: return `Try again in ${this.body.retry_after ?? 30} s.`;
      default: return 'Try again; if it stays, the Health screen and the logs say more.';
    }
  }
}

/** `down` when the platform cannot work, `signedout` when the session is over; the shell listens. */
export const apiEvents = new EventTarget();

/** A path with a query; null and empty members are left out. */
export function withQuery(path, query) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== '') search.set(name, Array.isArray(value) ? value.join(',') : value);
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** One request. Answers `{data, headers, status}`. */
export async function request(method, path, { query, body, form, signal, quiet } = {}) {
  const address = withQuery(path, query);
  const options = { method, signal, credentials: 'same-origin', headers: { Accept: 'application/json' } };
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
  if (response.ok) return { data, headers: response.headers, status: response.status };
  throw failed(new APIError(response.status, typeof data === 'object' ? data : null, address), method, quiet);
}

function failed(error, method, quiet) {
  if (quiet) return error;
  if (error.status === 401) apiEvents.dispatchEvent(new CustomEvent('signedout'));
  else if (error.isPlatformDown && method === 'GET') apiEvents.dispatchEvent(new CustomEvent('down', { detail: error }));
  return error;
}

export const get = async (path, query, options) => (await request('GET', path, { query, ...options })).data;
export const post = async (path, body, options) => (await request('POST', path, { body, ...options })).data;
export const patch = async (path, body) => (await request('PATCH', path, { body })).data;
export const put = async (path, body) => (await request('PUT', path, { body })).data;
export const remove = async (path, query) => (await request('DELETE', path, { query })).data;

/** Who is signed in; null before. */
export const session = { current: null };

/** Whether the one who is signed in may change things. */
export const canWrite = () => session.current?.role !== 'viewer';
