// The forms of schedules, with their expression explained, and of workspaces, with what an external agent needs.

import {attempt, choice, copyButton, debounce, facts, field, fill, formDialog, h, inZone, jsonBlock, navigate, patch, peek, post, showOnce, textInput, workspacePicker} from './kit.js';

const zones = () => ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')];

export async function editSchedule({schedule = null, workspaceID = null, done = () => {}}) {
	const picker = workspacePicker({label: 'Workspace', value: schedule?.workspace_id ?? workspaceID ?? '', placeholder: 'Name or id'});
	picker.input.disabled = Boolean(schedule ?? workspaceID);
	const name = textInput({maxlength: '255', value: schedule?.name, autofocus: true});
	const expression = textInput({maxlength: '255', required: true, value: schedule?.cron_expr ?? '0 9 * * *', class: 'mono', oninput: () => previewSoon()});
	const zoneList = h('datalist', {id: 'zones'}, zones().map((zone) => h('option', {value: zone})));
	const zone = textInput({list: 'zones', required: true, maxlength: '64', value: schedule?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone ?? 'UTC', oninput: () => previewSoon()});
	const prompt = h('textarea', {rows: '5', maxlength: '16384', required: true, value: schedule?.prompt ?? ''});
	const overlap = choice([['skip', 'Skip the run'], ['queue', 'Queue the run']], {value: schedule?.overlap});
	const missed = choice([['once', 'Make up for them once'], ['skip', 'Leave them out']], {value: schedule?.missed});
	const enabled = h('input', {type: 'checkbox', checked: schedule?.enabled ?? true});
	const preview = h('div.preview', {'aria-live': 'polite', 'data-preview': ''});
	let turn = 0;

	async function showPreview() {
		const mine = ++turn;
		const text = expression.value.trim();
		if (!text) {
			fill(preview, h('p.hint', 'Five fields: minute, hour, day of the month, month, day of the week.'));
			return;
		}
		try {
			const {sentence, next} = await peek('/schedules/preview', {cron_expr: text, timezone: zone.value.trim()});
			if (mine !== turn) return;
			preview.dataset.preview = 'ok';
			expression.removeAttribute('aria-invalid');
			zone.removeAttribute('aria-invalid');
			fill(preview, h('p.strong', sentence), h('p.hint', 'Next runs'), h('ol', next.map((time) => h('li', h('time', {datetime: time}, inZone(time, zone.value.trim()))))));
		} catch (error) {
			if (mine !== turn) return;
			preview.dataset.preview = 'error';
			const isZone = error.body?.field === 'timezone';
			(isZone ? zone : expression).setAttribute('aria-invalid', 'true');
			fill(preview, h('p.bad-text', error.status === 400 ? `${isZone ? 'Zone' : 'Expression'}: ${error.body.reason ?? error.message}` : `The preview is not available. ${error.sentence ?? error.message}`));
		}
	}
	const previewSoon = debounce(showPreview, 250);

	async function submit() {
		const id = schedule?.workspace_id ?? picker.value;
		picker.input.setCustomValidity(id ? '' : 'Choose a workspace.');
		if (!picker.input.reportValidity()) return false;
		const body = {name: name.value.trim(), cron_expr: expression.value.trim(), timezone: zone.value.trim(), prompt: prompt.value, overlap: overlap.value, missed: missed.value, enabled: enabled.checked};
		return attempt('The schedule was not saved', () => (schedule ? patch(`/workspaces/${id}/schedules/${schedule.id}`, body) : post(`/workspaces/${id}/schedules`, body)), schedule ? 'The schedule was changed.' : 'The schedule was created.');
	}

	void showPreview();
	const fields = h('div.two', {'data-form': 'schedule'},
		h('div', field('Workspace', picker.input), picker.list, field('Name', name, 'Unique in its workspace; may be empty.'), field('When', expression, 'Minute, hour, day of the month, month, day of the week; or @every 2h.'), field('Time zone', zone), zoneList, preview),
		h('div', field('What the agent is told', prompt), field('While the run before still goes on', overlap), field('Runs missed during an outage', missed), h('label.checkbox', enabled, ' Enabled')));
	if (await formDialog(schedule ? 'Edit the schedule' : 'New schedule', fields, schedule ? 'Save' : 'Create', submit, {wide: true})) done();
}

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
