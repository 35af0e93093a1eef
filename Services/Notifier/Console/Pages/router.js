// The address of what is shown, with all that a colleague should see: `#/<screen>/<id>?<filters>`.

import {session} from './api.js';

export function currentRoute() {
	const [path, query] = location.hash.replace(/^#\/?/, '').split('?', 2);
	const [screen, id] = path.split('/').map(decodeURIComponent);
	return {screen: screen || 'fleet', id: id || null, params: new URLSearchParams(query ?? '')};
}

export function href(screen, id = null, params = {}) {
	const search = params instanceof URLSearchParams ? params : new URLSearchParams(Object.entries(params).filter(([, value]) => value !== null && value !== undefined && value !== ''));
	const query = search.toString();
	return `#/${screen}${id ? `/${encodeURIComponent(id)}` : ''}${query ? `?${query}` : ''}`;
}

export function navigate(screen, id, params) {
	location.hash = href(screen, id, params);
}

/** Changes members of the query in place: null takes one out. With `push`, back undoes it. */
export function setParams(changes, {push = false} = {}) {
	const {screen, id, params} = currentRoute();
	for (const [name, value] of Object.entries(changes)) {
		if (value === null || value === undefined || value === '' || value === false) params.delete(name);
		else params.set(name, value === true ? '1' : value);
	}
	const address = href(screen, id, params);
	if (address === location.hash) return;
	if (push) location.hash = address;
	else {
		history.replaceState(null, '', address);
		window.dispatchEvent(new HashChangeEvent('hashchange'));
	}
}

export function setPageTitle(name) {
	document.title = `${name} · ${session.current?.platform_name || 'Switchyard'}`;
}
