// What messages are made of, in the spellings of both versions of the protocol.

import {bytes, h, icon, isWebAddress, jsonBlock, richText} from './kit.js';

const prefix = 'workspace:';

export function readParts(parts) {
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
export function readAnswer(body) {
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
	if (uri.startsWith(prefix)) return `/workspaces/${workspaceID}/chat/download?path=${encodeURIComponent(uri.slice(prefix.length))}`;
	if (uri.startsWith('/')) return `/workspaces/${workspaceID}/chat/download?path=${encodeURIComponent(uri)}`;
	return isWebAddress(uri) ? uri : null;
}

export function partElements(workspaceID, parts) {
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
