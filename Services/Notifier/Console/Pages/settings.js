// Who may operate the platform, what every workspace may know, and the reader's own session.

import { attempt, button, canWrite, confirmDialog, emptyState, errorPanel, facts, field, fill, formDialog, get, h, pill, post, relative, remove, session, showOnce } from './kit.js';
import { block, showSecrets, simpleTable } from './access.js';

export function settingsScreen() {
  const heading = h('h1', { tabindex: '-1', id: 'settings-title' }, 'Settings');
  const tokens = h('div');
  const secrets = h('div');
  const { current } = session;
  const who = { admin: 'the admin token', org: `the organisation token ${current.name ?? ''}`, open: 'nobody: this is an open development platform' }[current.actor];
  const element = h('section.screen.scrolls', { 'aria-labelledby': 'settings-title' }, h('header.screen-head', h('div.titles', heading)),
    h('div.blocks',
      block('Your session', null, facts([['Signed in with', [who, current.token_prefix && h('code.sub', ` ${current.token_prefix}…`)]], ['Role', pill(current.role)], ['Ends', relative(current.expires_at, 'until') ?? 'never'], ['Platform', current.platform_name]])),
      block('Organisation tokens', 'For scripts and colleagues. An operator may do everything; a viewer reads everything but secrets’ values and private bodies.', tokens, canWrite() && button('Issue a token', 'plus', issue)),
      block('Secrets of all workspaces', 'In the environment of every container of ours. Names are shown, values never.', secrets)));

  async function loadTokens() {
    try {
      const { tokens: list } = await get('/org/tokens', { limit: 200 });
      fill(tokens, list.length ? simpleTable('Organisation tokens', ['Name', 'Role', 'Begins with', 'Issued', 'Last used', ''], list.map((token) => [
        h('strong', token.name || 'unnamed'), pill(token.role ?? 'operator'), h('code', `${token.prefix}…`), relative(token.created_at), relative(token.last_used_at) ?? 'never', canWrite() && button('Revoke', 'trash', () => revoke(token), 'danger-quiet small')]))
        : emptyState('There is no organisation token.', 'Issue one for each script or colleague, so that the audit can tell them apart.'));
    } catch (error) {
      fill(tokens, errorPanel('The tokens could not be read', error, loadTokens));
    }
  }

  async function issue() {
    const name = h('input', { type: 'text', maxlength: '255', required: true, autofocus: true, autocomplete: 'off' });
    const role = h('select', h('option', { value: 'operator' }, 'Operator: may do everything'), h('option', { value: 'viewer' }, 'Viewer: reads, changes nothing'));
    const answer = await formDialog('Issue a token', [field('Name', name, 'Whom or what it is for; the audit shows it.'), field('Role', role)], 'Issue',
      () => attempt('The token could not be issued', () => post('/org/tokens', { name: name.value.trim(), role: role.value })));
    if (!answer) return;
    await showOnce('A new token', 'It is shown only now. Keep it where secrets are kept.', answer.auth_token);
    void loadTokens();
  }

  async function revoke(token) {
    if (!(await confirmDialog({ title: 'Revoke this token?', body: h('p', h('strong', token.name || 'unnamed'), ' (', h('code', `${token.prefix}…`), ') is refused from now on, and sessions made with it end.'), action: 'Revoke', danger: true }))) return;
    await attempt('The token could not be revoked', () => remove(`/org/tokens/${token.id}`), 'The token was revoked.');
    void loadTokens();
  }

  const loadSecrets = () => showSecrets(secrets, '/settings/secrets', 'There is no secret for all workspaces.', 'Set one with PUT /settings/secrets, such as the API key of a model provider.');
  const load = () => Promise.all([loadTokens(), loadSecrets()]);
  return { element, heading, title: 'Settings', refresh: load, update: () => void load() };
}
