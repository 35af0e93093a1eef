// Tokens of the organisation, names of secrets, and the session.

import {attempt, button, canWrite, choice, facts, field, formDialog, frame, h, pill, post, relative, session, showOnce, textInput} from './kit.js';
import {block, secretList, tokenList} from './access.js';

export function settingsScreen() {
	const {actor, name, token_prefix: prefix, role, expires_at: end, platform_name: platform} = session.current;
	const who = {admin: 'the admin token', org: `the organisation token ${name ?? ''}`, open: 'nobody: this is an open development platform'}[actor];
	const tokens = tokenList('/org/tokens', ['There is no organisation token.', 'Issue one for each script or colleague, so that the audit can tell them apart.'], ['Name', 'Role'], (token) => [h('strong', token.name || 'unnamed'), pill(token.role ?? 'operator')]);
	const secrets = secretList('/settings/secrets');
	const issue = async () => {
		const label = textInput({maxlength: '255', required: true, autofocus: true});
		const kind = choice([['operator', 'Operator: may do everything'], ['viewer', 'Viewer: reads, changes nothing']]);
		const answer = await formDialog('Issue a token', [field('Name', label, 'Whom or what it is for; the audit shows it.'), field('Role', kind)], 'Issue', () => attempt('The token could not be issued', () => post('/org/tokens', {name: label.value.trim(), role: kind.value})));
		if (answer) await showOnce('A new token', 'It is shown only now. Keep it where secrets are kept.', answer.auth_token);
		tokens.refresh();
	};
	const refresh = () => {
		tokens.refresh();
		secrets.refresh();
	};
	return {
		refresh, update: refresh,
		...frame('Settings', {kind: 'scrolls'}, h('div.blocks',
			block('Your session', '', facts([['Signed in with', [who, prefix && h('code.sub', ` ${prefix}…`)]], ['Role', pill(role)], ['Ends', relative(end, 'until') ?? 'never'], ['Platform', platform]])),
			block('Organisation tokens', 'For scripts and colleagues. An operator may do everything; a viewer reads everything but secrets’ values and private bodies.', tokens.element, canWrite() && button('Issue a token', 'plus', issue)),
			block('Secrets of all workspaces', 'In the environment of every container of ours. Names are shown, values never.', secrets.element, secrets.add))),
	};
}
