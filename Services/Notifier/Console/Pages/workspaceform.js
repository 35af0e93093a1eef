// Creating a workspace, and what the agent of an external one needs to connect.

import {attempt, choice, copyButton, facts, field, formDialog, h, jsonBlock, navigate, peek, post, showOnce, textInput, workspacePicker} from './kit.js';

export async function createWorkspace() {
	const name = textInput({maxlength: '255', required: true, autofocus: true});
	const role = textInput({maxlength: '1000'});
	const parent = workspacePicker({label: 'Parent', placeholder: 'None: at the top'});
	const place = choice([['ours', 'In a container of the platform’s'], ['external', 'Elsewhere: it connects by itself']], {onchange: showPlace});
	const template = choice([['', 'None']]);
	const runtime = textInput({maxlength: '100', placeholder: 'The template’s, else langgraph'});
	const tier = h('input', {type: 'number', min: '0', max: '2147483647', value: '3', required: true});
	const url = textInput({type: 'url', maxlength: '2048', placeholder: 'Where it is reached'});
	const ours = h('div.form', field('Template', template, 'Fills in what is left open here.'), field('Runtime', runtime), field('Tier', tier, 'How much memory and CPU its container gets.'));
	const external = h('div.form', field('Address', url, 'May be empty: its agent says it when it registers.'));

	function showPlace() {
		ours.hidden = place.value !== 'ours';
		external.hidden = !ours.hidden;
	}

	async function submit() {
		if (!parent.input.reportValidity()) return false;
		const text = (input) => input.value.trim() || null;
		const kind = place.value === 'external' ? {external: true, url: text(url)} : {template: text(template), runtime: text(runtime), tier: Number(tier.value)};
		return attempt('The workspace was not created', () => post('/workspaces', {name: name.value.trim(), role: text(role), parent_id: parent.value || null, ...kind}), 'The workspace was created.');
	}

	showPlace();
	peek('/templates').then((all) => template.append(...all.map((one) => h('option', {value: one.name}, `${one.name} (${one.runtime})`))), () => { /* without one it works as well */ });
	const fields = h('div.two', {'data-form': 'workspace'},
		h('div', field('Name', name), field('Role', role, 'What it is for, in a few words.'), field('Parent', parent.input), parent.list),
		h('div', field('Where its agent runs', place), ours, external));
	const created = await formDialog('New workspace', fields, 'Create', submit, {wide: true});
	if (!created) return;
	if (created.connection) await showConnection(created.connection);
	navigate('workspace', created.id);
}

function showConnection(connection) {
	const copied = (text) => h('span.secret', h('code', text), copyButton(text));
	const example = (label, text) => h('details', h('summary', label), jsonBlock(text, label), copyButton(text, `Copy ${label}`));
	return showOnce('Connect the agent', connection.auth_token ? 'The token is shown only now. Its agent sends it as its bearer.' : 'The first registration answers with its token.', connection.auth_token, [
		facts([['Workspace', copied(connection.workspace_id)], ['Register', copied(connection.registry_endpoint)], ['Heartbeat', copied(connection.heartbeat_endpoint)]], 'one'),
		example('With curl', connection.curl_register_template), example('In Python', connection.python_snippet),
	]);
}
