// What agents write: code blocks, lists, bold words and links as elements, and nothing else.

import {h, outwardLink} from './dom.js';

const longest = 200000;

export function richText(text) {
	const root = h('div.rich');
	const source = String(text);
	const parts = source.slice(0, longest).split(/^```[^\n]*\n?/m);
	parts.forEach((part, place) => {
		if (place % 2 === 1) root.append(h('pre', {tabindex: '0'}, h('code', part.replace(/\n$/, ''))));
		else blocks(root, part);
	});
	if (source.length > longest) root.append(h('p.hint', `… ${source.length - longest} more characters`));
	return root;
}

function blocks(root, text) {
	let list = null;
	for (const block of text.split(/\n{2,}/)) {
		list = null;
		let paragraph = null;
		for (const line of block.split('\n')) {
			const item = line.match(/^\s*(?:[-*•]|\d{1,3}[.)])\s+(.*)$/);
			if (item) {
				paragraph = null;
				if (!list) root.append((list = h('ul')));
				list.append(h('li', inline(item[1])));
				continue;
			}
			list = null;
			if (!line.trim() && !paragraph) continue;
			if (!paragraph) root.append((paragraph = h('p')));
			else paragraph.append('\n');
			paragraph.append(...inline(line.replace(/^#{1,6}\s+/, '')));
		}
	}
}

function inline(text) {
	const nodes = [];
	const pattern = /`([^`]+)`|\*\*([^*]+)\*\*|(https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]])/g;
	let from = 0;
	for (const match of text.matchAll(pattern)) {
		nodes.push(document.createTextNode(text.slice(from, match.index)));
		const [whole, code, strong, address] = match;
		nodes.push(code ? h('code', code) : strong ? h('strong', strong) : outwardLink(address));
		from = match.index + whole.length;
	}
	nodes.push(document.createTextNode(text.slice(from)));
	return nodes;
}

export function jsonBlock(value, label) {
	const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
	return h('pre.json', {tabindex: '0', role: 'region', 'aria-label': label}, h('code', text));
}
