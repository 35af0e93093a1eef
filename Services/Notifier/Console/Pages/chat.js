// The chat with one agent: sent, answered, queued and pushed.

import {arrange, button, bytes, canWrite, emptyState, errorPanel, fill, h, href, icon, iconButton, isWebAddress, jsonBlock, notifyError, now, peek, plural, relative, request, richText, statusShape, throttle, timeOfDay} from './kit.js';

const largestFile = 25 * 1024 * 1024;
const largestUpload = 50 * 1024 * 1024;
const unsettled = new Map();
const drafts = new Map();

export function chatTab({id, workspace}) {
	const entries = new Map();
	let drawn = new Map();
	const mine = unsettled.get(id) ?? new Map();
	unsettled.set(id, mine);
	let older = null;
	let error = null;
	let isLoaded = false;
	let context = {id: null, at: -Infinity};
	let files = [];
	let generation = 0;
	let lastWork = '';

	const top = h('div.chat-older');
	const items = h('ol.chat-items');
	const log = h('div.chat-log', {role: 'log', 'aria-label': 'Conversation', tabindex: '0'}, top, items);
	const progress = h('div.chat-progress', {'aria-live': 'polite'});
	const chips = h('div.chips');
	const text = h('textarea', {rows: '2', 'aria-label': 'Message', placeholder: 'Write to the agent. Enter sends, Shift+Enter begins a line.', oninput: grow, onkeydown(event) {
		if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
		event.preventDefault();
		void submit();
	}});
	const chooser = h('input', {type: 'file', multiple: true, hidden: true, 'aria-label': 'Files to attach', onchange: () => addFiles(chooser.files)});
	text.value = drafts.get(id) ?? '';
	const isGone = workspace().status === 'removed';
	const composer = canWrite() && !isGone
		? h('div.composer', chips, h('div.composer-row', iconButton('Attach files', 'attach', () => chooser.click()), chooser, text, button('Send', 'send', submit, 'primary')))
		: h('p.hint.composer', isGone ? 'It was deleted: it takes no messages.' : 'You may read. Sending needs an operator’s token.');
	const element = h('div.chat', log, progress, composer);
	const poll = setInterval(() => document.hidden || findQueued(), 10000);
	void load();

	async function read(before) {
		const {data, headers} = await request('GET', `/workspaces/${id}/activity`, {query: {type: 'a2a_receive', source: 'canvas', limit: 100, before}});
		return {rows: data, next: headers.get('X-Next-Before')};
	}

	async function load() {
		const turn = ++generation;
		try {
			const page = await read();
			if (turn !== generation) return;
			// What stands before this page was read on request, and stays.
			const first = Date.parse(page.rows.at(-1)?.created_at);
			const before = new Map([...entries, ...mine]);
			for (const [key, entry] of entries) if (!(entry.at < first)) entries.delete(key);
			readRows(page.rows);
			for (const [key, entry] of entries) if (entry.state === 'queued') Object.assign(entry, {queueID: before.get(key)?.queueID, place: before.get(key)?.place});
			if (!isLoaded) older = page.next;
			error = null;
		} catch (failure) {
			if (turn !== generation) return;
			error = failure;
		}
		const isFirst = !isLoaded;
		isLoaded = true;
		draw(isFirst);
		void findQueued();
	}

	async function loadOlder() {
		const height = log.scrollHeight;
		try {
			const page = await read(older);
			readRows(page.rows);
			older = page.next;
		} catch (failure) {
			notifyError('Older messages could not be read', failure);
		}
		draw();
		log.scrollTop = log.scrollHeight - height;
	}

	/** Rows come newest first. Those of one message are one entry: it was queued once, and answered later. */
	function readRows(rows) {
		for (const row of rows) {
			const end = Date.parse(row.created_at);
			if (row.method === 'notify') {
				const said = row.response_body?.result;
				entries.set(row.id, {key: row.id, kind: 'push', at: end, parts: [{text: typeof said === 'string' ? said : row.summary ?? ''}, ...readParts(row.response_body?.parts)]});
				continue;
			}
			const message = row.request_body?.params?.message;
			if (!message && row.request_body) continue; // Not a message: a look at a task, say
			const key = message?.messageId ?? row.id;
			const at = end - (row.status === 'queued' ? 0 : row.duration_ms ?? 0);
			const known = entries.get(key);
			if (known) {
				known.at = Math.min(known.at, at);
				continue;
			}
			const entry = {key, at, end, parts: message ? readParts(message.parts) : [{text: row.summary ?? row.method ?? ''}], by: message?.metadata?.schedule_id && 'A schedule'};
			if (row.status === 'queued') Object.assign(entry, {state: 'queued', reason: row.error_detail});
			else if (row.response_body !== undefined) answer(entry, row.response_body);
			else entry.state = 'answered';
			if (row.status !== 'queued' && row.status !== 'ok') Object.assign(entry, {state: 'failed', error: entry.error ?? row.error_detail ?? row.status});
			entries.set(key, entry);
			if (mine.get(key)?.state !== 'sending') mine.delete(key);
		}
	}

	function answer(entry, body) {
		const {parts, error: failure, task, contextID} = readAnswer(body);
		Object.assign(entry, {answer: parts, error: failure, task, state: failure ? 'failed' : task ? 'working' : 'answered'});
		if (contextID && entry.at >= context.at) context = {id: contextID, at: entry.at};
	}

	async function findQueued() {
		const waiting = [...entries.values()].filter((entry) => entry.state === 'queued' && !entry.queueID && !(entry.searches > 5));
		for (const entry of waiting) entry.searches = (entry.searches ?? 0) + 1;
		try {
			const found = waiting.length ? await peek('/admin/queue', {target: id, caller: 'console', state: 'waiting,retrying,running,failed,dropped', limit: 200}) : {items: []};
			for (const item of found.items) {
				if (!waiting.some((entry) => !entry.queueID && Math.abs(entry.at - Date.parse(item.enqueued_at)) < 10000)) continue;
				const {request: body} = await peek(`/admin/queue/${item.queue_id}/body`);
				const entry = waiting.find((one) => one.key === body?.params?.message?.messageId);
				if (entry) entry.queueID = item.queue_id;
			}
		} catch { /* they stay queued until an event or a reload says more */ }
		await checkQueued();
	}

	async function checkQueued() {
		const waiting = [...entries.values(), ...mine.values()].filter((entry) => entry.state === 'queued' && entry.queueID).slice(0, 20);
		await Promise.all(waiting.map(checkItem));
		if (waiting.length) draw();
	}

	async function checkItem(entry) {
		let item;
		try {
			item = await peek(`/queue/${entry.queueID}`);
		} catch {
			return;
		}
		entry.place = item.status === 'dispatched' ? 'being delivered now' : item.position && `position ${item.position}`;
		if (item.last_error) entry.reason = item.last_error;
		if (item.status === 'completed') {
			entry.end = Date.parse(item.completed_at) || now();
			entry.wasQueued = true;
			answer(entry, item.response ?? {});
		} else if (item.status === 'failed' || item.status === 'dropped') {
			Object.assign(entry, {state: item.status, error: item.last_error ?? 'It was taken out of the queue.'});
		}
	}

	async function submit() {
		const said = text.value.trim();
		const attached = files;
		if (!said && !attached.length) return;
		const parts = (list) => [...(said ? [{text: said}] : []), ...list.map((file) => ({file}))];
		const entry = {key: crypto.randomUUID(), at: now(), state: 'sending', parts: parts(attached.map(({name, size, type}) => ({name, size, mimeType: type, uri: ''})))};
		mine.set(entry.key, entry);
		text.value = '';
		files = [];
		drawFiles();
		grow();
		draw(true);
		text.focus();
		await settle(entry, async () => {
			if (attached.length) {
				const form = new FormData();
				for (const file of attached) form.append('files', file, file.name);
				const {data} = await request('POST', `/workspaces/${id}/chat/uploads`, {form});
				entry.parts = parts(data.files);
			}
			await callAgent(entry);
		});
	}

	async function settle(entry, action) {
		try {
			await action();
		} catch (failure) {
			Object.assign(entry, {state: 'failed', error: `${failure.sentence ?? failure.message} ${failure.advice ?? ''}`, canResend: true});
		}
		if (element.isConnected) draw(true);
	}

	async function callAgent(entry) {
		const message = {role: 'user', kind: 'message', messageId: entry.key, ...(context.id && {contextId: context.id}), parts: entry.parts.map((part) => (part.file ? {kind: 'file', file: part.file} : {kind: 'text', text: part.text}))};
		const {data, status} = await request('POST', `/workspaces/${id}/a2a`, {body: {jsonrpc: '2.0', id: crypto.randomUUID(), method: 'message/send', params: {message}}});
		entry.end = now();
		if (status !== 202 || !data?.queued) return answer(entry, data);
		Object.assign(entry, {state: 'queued', queueID: data.queue_id, place: `position ${data.position ?? data.queue_depth}`});
		return checkItem(entry);
	}

	function draw(toEnd = false) {
		if (error && !entries.size) {
			fill(top, errorPanel('The conversation could not be read', error, load));
			return;
		}
		const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
		const all = [...new Map([...entries, ...mine]).values()].sort((a, b) => a.at - b.at);
		fill(top, older && button('Older messages', null, loadOlder, 'quiet'), isLoaded && !all.length && emptyState('Nothing was said yet.', canWrite() ? 'Write below: the answer appears here, also when the agent is busy and answers later.' : 'What is sent to the agent, and what it pushes, appears here.'));
		const before = drawn;
		drawn = new Map();
		// Only what changed is built anew: the reader may have selected text, or stand on a link.
		const keep = (key, signature, build) => {
			const known = before.get(key);
			drawn.set(key, known?.signature === signature ? known : {signature, element: build()});
		};
		for (const entry of all) {
			const date = new Date(entry.at).toLocaleDateString('en-GB', {weekday: 'long', day: 'numeric', month: 'long'});
			if (!drawn.has(date)) keep(date, date, () => h('li.day', date));
			keep(entry.key, JSON.stringify(entry), () => entryElement(entry));
		}
		arrange(items, [...drawn.values()].map(({element}) => element));
		if (toEnd || isAtEnd) log.scrollTop = log.scrollHeight;
	}

	function entryElement(entry) {
		if (entry.kind === 'push') return h('li.entry.push', {'data-entry': 'push'}, bubble('agent', 'Pushed by the agent', entry.at, partElements(id, entry.parts)));
		return h('li', {class: `entry ${entry.state}`, 'data-entry': entry.state, 'data-key': entry.key},
			bubble('you', entry.by || 'Sent', entry.at, partElements(id, entry.parts), stateLine(entry)),
			entry.answer?.length > 0 && bubble('agent', entry.wasQueued ? 'Answered out of the queue' : 'Agent', entry.end, partElements(id, entry.answer), entry.state === 'working' && h('p.state', statusShape('running'), 'Still working on it')));
	}

	const bubble = (side, who, at, ...content) => h(`div.bubble.${side}`, h('p.byline', `${who} ${timeOfDay(at)} · `, relative(at, 'ago', {short: true})), content);

	function stateLine(entry) {
		const line = (shape, ...words) => h('p.state', statusShape(shape), words);
		switch (entry.state) {
			case 'sending': return line('running', 'Sent; the agent works on it, for ', relative(entry.at, 'for'));
			case 'working': return line('running', 'The agent has made a task of it');
			case 'queued': return line('queued', h('span', entry.place ? `Queued, ${entry.place}` : 'Queued'), entry.reason && h('span.sub', ` · ${entry.reason}`), entry.queueID && h('a', {href: href('messages', null, {open: entry.queueID})}, 'details'));
			case 'answered': return line('delivered', entry.answer?.length ? 'Delivered' : 'Delivered; the answer is empty or not kept');
			default: return h('p.state.bad-text', statusShape(entry.state), h('span', `${entry.state === 'failed' ? 'Failed' : 'Dropped'}: ${entry.error}`), entry.canResend && button('Send again', 'restart', () => {
				Object.assign(entry, {state: 'sending', error: null, canResend: false});
				draw();
				void settle(entry, () => callAgent(entry));
			}, 'quiet small'));
		}
	}

	function drawWork() {
		const {active_tasks: tasks, current_task: task} = workspace() ?? {};
		const words = tasks > 0 ? `Working on ${plural(tasks, 'task')}${task || lastWork ? `: ${task || lastWork}` : ''}` : '';
		if (progress.textContent !== words) fill(progress, words && [statusShape('running'), h('span.clip', words)]);
	}

	function addFiles(list) {
		for (const file of list) {
			const total = files.reduce((sum, one) => sum + one.size, file.size);
			if (file.size > largestFile || total > largestUpload) notifyError(`${file.name} was not attached`, new Error(`A file may have ${bytes(largestFile)}, all together ${bytes(largestUpload)}.`));
			else files.push(file);
		}
		chooser.value = '';
		drawFiles();
	}

	function drawFiles() {
		fill(chips, files.map((file) => h('span.tag', icon('attach'), h('span.clip', file.name), h('span.sub', bytes(file.size)), iconButton(`Take ${file.name} out`, 'close', () => {
			files = files.filter((other) => other !== file);
			drawFiles();
			text.focus();
		}))));
	}

	function grow() {
		text.style.height = 'auto';
		text.style.height = `${Math.min(220, text.scrollHeight + 2)}px`;
	}

	const checkSoon = throttle(findQueued, 700);
	const loadSoon = throttle(load, 2000);
	return {
		element, refresh: load, update: drawWork,
		events(batch, ours) {
			for (const {type, data, timestamp} of ours) {
				if (type === 'AGENT_MESSAGE') {
					const key = `live ${timestamp} ${data.message}`;
					entries.set(key, {key, kind: 'push', at: timestamp, parts: [{text: data.message}, ...readParts((data.attachments ?? []).map((file) => ({file})))]});
					draw();
				} else if (type === 'ACTIVITY_LOGGED') {
					if (/^(task_update|agent_log)$/.test(data.activity_type)) lastWork = data.summary ?? '';
					else if (data.activity_type === 'a2a_receive' && !data.source_id) loadSoon(); // Also what somebody says elsewhere
				} else if (type.startsWith('A2A_')) checkSoon();
			}
			drawWork();
		},
		leave() {
			generation++;
			drafts.set(id, text.value);
			clearInterval(poll);
			for (const [key, entry] of mine) if (entry.state !== 'sending' && entry.state !== 'queued') mine.delete(key);
		},
	};
}

function readParts(parts) {
	if (!Array.isArray(parts)) return [];
	return parts.slice(0, 200).map((part) => {
		if (!part || typeof part !== 'object') return {text: String(part)};
		if (typeof part.text === 'string') return {text: part.text};
		const file = part.file ?? (part.url ? {uri: part.url, name: part.filename, mimeType: part.mediaType} : null);
		if (file) return {file: {name: file.name || file.filename || 'file', uri: file.uri || file.fileWithUri || '', mimeType: file.mimeType, size: file.size, isInline: Boolean(file.bytes || file.fileWithBytes)}};
		return {data: part.data ?? part};
	});
}

/** What an agent answered: `{parts, error, task}`; `task` while it is not over. */
function readAnswer(body) {
	if (typeof body === 'string') return {parts: [{text: body}]};
	if (!body || typeof body !== 'object') return {parts: []};
	if (body.error) return {parts: [], error: typeof body.error === 'string' ? body.error : body.error.message ?? JSON.stringify(body.error)};
	let result = body.result ?? body;
	result = result.message ?? result.task ?? result;
	if (typeof result === 'string') return {parts: [{text: result}]};
	const state = String(result.status?.state ?? '').toLowerCase().replace('task_state_', '').replaceAll('_', '-');
	const parts = [
		...readParts(result.parts),
		...(Array.isArray(result.artifacts) ? result.artifacts.slice(0, 100).flatMap((artifact) => readParts(artifact?.parts)) : []),
		...readParts(result.status?.message?.parts),
	];
	const isOpen = ['submitted', 'working'].includes(state);
	return {
		parts: parts.length || isOpen || state ? parts : [{data: result}], state, contextID: result.contextId,
		task: isOpen ? result.id : null, error: ['failed', 'rejected'].includes(state) && !parts.length ? `The task ${state}.` : null,
	};
}

function fileAddress(workspaceID, uri) {
	const path = uri.replace(/^workspace:/, '');
	if (path.startsWith('/')) return `/workspaces/${workspaceID}/chat/download?path=${encodeURIComponent(path)}`;
	return isWebAddress(uri) ? uri : null;
}

function partElements(workspaceID, parts) {
	return parts.map((part) => {
		if (part.text !== undefined) return richText(part.text);
		if (part.file) return fileLink(workspaceID, part.file);
		return jsonBlock(part.data, 'Data');
	});
}

function fileLink(workspaceID, file) {
	const address = file.uri ? fileAddress(workspaceID, file.uri) : null;
	const label = [icon(address ? 'download' : 'attach'), h('span.clip', file.name), h('span.sub', [file.size && bytes(file.size), file.mimeType].filter(Boolean).join(' · '))];
	if (!address) return h('span.file', {title: file.isInline ? 'The file is inside the message' : 'It has no address that can be followed'}, label);
	const isOurs = address.startsWith('/');
	return h('a.file', {href: address, rel: 'noopener noreferrer', ...(isOurs ? {download: file.name} : {target: '_blank'})}, label);
}
