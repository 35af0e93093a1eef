// Tokens, names of secrets and the budget of a workspace.

import {attempt, button, canWrite, cents, confirmDialog, emptyState, facts, field, fill, formDialog, get, h, load, patch, post, put, relative, remove, showOnce, simpleTable, textInput} from './kit.js';

export function accessTab({id, workspace}) {
	if (workspace().status === 'removed') return {element: emptyState('This workspace was deleted.', 'Its tokens are revoked and its secrets gone.')};
	const path = `/workspaces/${id}`;
	const tokens = tokenList(`${path}/tokens`, ['It has no token.', 'Its agent cannot sign in until you issue one.']);
	const secrets = secretList(`${path}/secrets`);
	const budget = h('div');
	let ceiling;
	const issue = async () => {
		const answer = await attempt('The token could not be issued', () => post(`${path}/tokens`));
		if (answer) await showOnce('A new token', 'It is shown only now. Give it to the agent as its bearer.', answer.auth_token);
		tokens.refresh();
	};
	const readBudget = () => load(budget, 'The budget could not be read', () => get(`${path}/budget`), ({budget_limit: limit, monthly_spend: spend, budget_remaining: left}) => {
		ceiling = limit === null ? '' : limit / 100;
		fill(budget, facts([['Spent this month', cents(spend)], ['Ceiling', limit === null ? 'none' : cents(limit)], ['Left', limit === null ? '–' : cents(Math.max(0, left))]]));
	});
	const changeBudget = async () => {
		await readBudget();
		if (ceiling === undefined) return;
		const amount = h('input', {type: 'number', min: '0', step: '0.01', value: ceiling, autofocus: true});
		await formDialog('Change the budget', field('A month’s ceiling', amount, 'In whole units of the currency, with cents behind the point. Leave it empty for no ceiling.'), 'Save',
			() => attempt('The budget could not be changed', () => patch(`${path}/budget`, {budget_limit: amount.value === '' ? null : Math.round(amount.value * 100)}), 'The budget was changed.'));
		void readBudget();
	};
	const refresh = () => [tokens, secrets].forEach((list) => list.refresh()) || readBudget();
	void refresh();
	return {
		refresh,
		element: h('div.tab-content.blocks', block('Tokens', 'An agent’s own bearers. Each is shown once, when it is issued.', tokens.element, canWrite() && button('Issue a token', 'plus', issue)), block('Secrets', 'In the environment of its container, over those of all workspaces. Names are shown, values never.', secrets.element, secrets.add),
			block('Budget', 'Once the month’s spend reaches it, messages to this workspace are refused.', budget, canWrite() && button('Change', 'edit', changeBudget))),
	};
}

export function block(label, explanation, content, ...actions) {
	return h('section.block', h('header.block-head', h('div', h('h2', label), h('p.hint', explanation)), h('div.row-actions', actions)), content);
}

/** A list whose rows can be taken away. */
function removables({label, failure, read, heads, cells, none, verb, question, address, extra = () => null}) {
	const element = h('div');
	const refresh = () => load(element, failure, read, (rows) => fill(element, rows.length ? simpleTable(label, [...heads, ''], rows.map((row) => [...cells(row), canWrite() && h('div.row-actions', extra(row), button(verb, 'trash', () => take(row), 'danger-quiet small'))])) : emptyState(...none)));
	const take = async (row) => {
		if (!(await confirmDialog({title: `${verb} it?`, body: h('p', question(row)), action: verb, danger: true}))) return;
		await attempt('Nothing was changed', () => remove(address(row)), 'Done.');
		void refresh();
	};
	return {element, refresh};
}

/** Tokens at a path; those of an organisation have names and roles. */
export function tokenList(path, none, heads = [], more = () => []) {
	return removables({
		none, label: 'Tokens', failure: 'The tokens could not be read', read: async () => (await get(path, {limit: 200})).tokens, heads: [...heads, 'Begins with', 'Issued', 'Last used'], verb: 'Revoke', address: (token) => `${path}/${token.id}`,
		cells: (token) => [...more(token), h('code', `${token.prefix}…`), relative(token.created_at), relative(token.last_used_at) ?? 'never'],
		question: (token) => `Whoever uses the token ${token.prefix}… is refused from now on, and sessions made with it end.`,
	});
}

export function secretList(path) {
	async function set(key = '') {
		const name = textInput({value: key, readonly: Boolean(key), required: true, maxlength: '256', pattern: '[A-Za-z_][A-Za-z0-9_]*', title: 'Letters, digits and _, without a digit at the beginning', class: 'mono', autofocus: !key});
		const value = h('textarea', {rows: '4', required: true, maxlength: '65536', autocomplete: 'off', spellcheck: 'false', class: 'masked', autofocus: Boolean(key)});
		await formDialog(key ? 'Replace the secret' : 'Set a secret', [field('Name', name, !key && 'Of an environment variable. A secret that has it already is replaced.'), field('Value', value, 'It can be replaced, and not be read again. The workspaces it concerns are restarted.')], key ? 'Replace' : 'Set',
			() => attempt('The secret was not set', () => put(path, {key: name.value.trim(), value: value.value}), `${name.value.trim()} was set.`));
		list.refresh();
	}

	const list = removables({
		none: ['There is no secret.', 'Set one, such as the API key of a model provider.'], label: 'Secrets', failure: 'The names of the secrets could not be read', read: () => get(path), heads: ['Name', 'Set', 'Changed'], verb: 'Remove', address: (secret) => `${path}/${secret.key}`,
		cells: (secret) => [h('code', secret.key), relative(secret.created_at), relative(secret.updated_at)], extra: (secret) => button('Replace', 'edit', () => set(secret.key), 'small'),
		question: (secret) => `${secret.key} is gone for good, and the workspaces it concerns are restarted.`,
	});
	return {...list, add: canWrite() && button('Set a secret', 'plus', () => set())};
}
