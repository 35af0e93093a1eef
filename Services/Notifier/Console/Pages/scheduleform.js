// Creating and changing a schedule, with its expression explained.

import {attempt, choice, debounce, field, fill, formDialog, h, inZone, patch, peek, post, textInput, workspacePicker} from './kit.js';

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
			fill(preview, h('p.strong', sentence), h('p.hint', 'Next runs'), h('ol.next-runs', next.map((time) => h('li', h('time', {datetime: time}, inZone(time, zone.value.trim()))))));
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
