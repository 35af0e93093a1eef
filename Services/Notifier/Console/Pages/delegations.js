// The delegations of a workspace, given and taken, with their answers.

import {addressed, button, closeDrawer, currentRoute, emptyState, facts, fill, get, h, load, notifyError, pill, relative, richText, setParams, simpleTable, throttle, workspaceLink} from './kit.js';

export function delegationsTab({id, drawer}) {
	const body = h('div.blocks');
	let found = [];
	const follow = addressed(drawer, (id) => {
		const entry = found.find((one) => one.delegation_id === id);
		if (entry) void show(entry);
		return entry;
	});
	const element = h('div.tab-content', body);

	const refresh = () => load(body, 'The delegations could not be read', () => get(`/workspaces/${id}/delegations`), draw);

	function draw(entries) {
		found = merge(entries);
		const section = (label, entries) => h('section.block', h('h2', `${label} (${entries.length})`), entries.length ? simpleTable(label, ['Status', 'Other side', 'Task and answer', 'When', ''], entries.map(row)) : h('p.hint', 'None.'));
		fill(body, found.length ? [section('Given to others', found.filter((entry) => entry.source_id === id)), section('Taken from others', found.filter((entry) => entry.source_id !== id))]
			: emptyState('No delegation yet.', 'When this agent hands work to another one, or takes some, it is listed here with its answer.'));
		follow();
	}

	function row(entry) {
		const answer = entry.error || entry.response_preview;
		return [pill(entry.status), workspaceLink(entry.source_id === id ? entry.target_id : entry.source_id),
			h('div', {'data-delegation': entry.delegation_id}, h('p', entry.summary), answer && h('p', {class: `sub clip-2 ${entry.error ? 'bad-text' : ''}`}, answer)), relative(entry.created_at),
			button('Show', null, () => setParams({open: entry.delegation_id}, {push: true}), 'quiet small')];
	}

	async function show(entry) {
		try {
			const full = await get(`/workspaces/${entry.source_id}/delegations/${entry.delegation_id}`);
			if (currentRoute().params.get('open') !== entry.delegation_id) return;
			const answer = full.response ?? full.response_preview;
			drawer.show('Delegation', [
				facts([['Status', pill(full.status)], ['From', workspaceLink(full.source_id)], ['To', workspaceLink(full.target_id)], ['Begun', relative(full.created_at)], ['Ended', relative(full.completed_at)], ['Error', full.error]], 'one'),
				h('h3', 'Task'), richText(full.task), answer && [h('h3', 'Answer'), richText(answer)],
			], closeDrawer);
		} catch (error) {
			closeDrawer();
			notifyError('The delegation could not be read', error);
		}
	}

	const loadSoon = throttle(refresh, 1500);
	void refresh();
	return {element, refresh, update: follow, events: (batch) => batch.some((event) => event.type.startsWith('DELEGATION_') && (event.workspace_id === id || event.data?.target_id === id)) && loadSoon()};
}

/** Request and result of one delegation are two entries of one id, the result first; they are shown as one. */
function merge(entries) {
	const found = new Map();
	for (const entry of entries) {
		const key = entry.delegation_id ?? entry.id;
		found.set(key, {...entry, ...found.get(key), summary: entry.summary, created_at: entry.created_at, delegation_id: key});
	}
	return [...found.values()];
}
