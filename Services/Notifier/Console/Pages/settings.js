// Who may operate the platform, what every workspace may know, and the reader's own session.

import { button, field, fill, h } from './dom.js';
import { canWrite, get, post, remove, session } from './api.js';
import { relative } from './clock.js';
import { attempt, confirmDialog, emptyState, errorPanel, openDialog, showOnce } from './overlays.js';
import { pill } from './pill.js';
import { setTheme, themeName } from './themes.js';
import { block, setSecret, showSecrets, simpleTable } from './access.js';

export function settingsScreen() {
  const heading = h('h1', { tabindex: '-1', id: 'settings-title' }, 'Settings');
  const tokens = h('div');
  const secrets = h('div');
  const { current } = session;
  const who = { admin: 'the admin token', org: `the organisation token ${current.name ?? ''}`, open: 'nobody: this is an open development platform' }[current.actor];
  const theme = h('select', { 'aria-label': 'Theme', onchange: () => setTheme(theme.value) }, [['system', 'As the system'], ['light', 'Light'], ['dark', 'Dark']].map(([value, label]) => h('option', { value }, label)));
  theme.value = themeName();
  const element = h('section', { class: 'screen scrolls', 'aria-labelledby': 'settings-title' }, h('header', { class: 'screen-head' }, h('div', { class: 'titles' }, heading)),
    h('div', { class: 'blocks' },
      block('Your session', null, h('dl', { class: 'facts' }, [['Signed in with', [who, current.token_prefix && h('code', { class: 'sub' }, ` ${current.token_prefix}…`)]], ['Role', pill(current.role)], ['Ends', relative(current.expires_at, 'until') ?? 'never'], ['Platform', current.platform_name], ['Theme', theme]].map(([label, value]) => h('div', null, h('dt', null, label), h('dd', { dir: 'auto' }, value))))),
      block('Organisation tokens', 'For scripts and colleagues. An operator may do everything; a viewer reads everything but secrets’ values and private bodies.', tokens, canWrite() && button('Issue a token', 'plus', issue)),
      block('Secrets of all workspaces', 'In the environment of every container of ours. Names are shown, values never.', secrets, canWrite() && button('Set a secret', 'plus', () => setSecret('/settings/secrets', loadSecrets)))));

  async function loadTokens() {
    try {
      const { tokens: list } = await get('/org/tokens', { limit: 200 });
      fill(tokens, list.length ? simpleTable('Organisation tokens', ['Name', 'Role', 'Begins with', 'Issued', 'Last used', ''], list.map((token) => [
        h('strong', { dir: 'auto' }, token.name || 'unnamed'), pill(token.role ?? 'operator'), h('code', null, `${token.prefix}…`), relative(token.created_at), relative(token.last_used_at) ?? 'never', canWrite() && button('Revoke', 'trash', () => revoke(token), { class: 'button danger-quiet small' })]))
        : emptyState('There is no organisation token.', 'Issue one for each script or colleague, so that the audit can tell them apart.'));
    } catch (error) {
      fill(tokens, errorPanel('The tokens could not be read', error, loadTokens));
    }
  }

  async function issue() {
    const answer = await openDialog('Issue a token', (close) => {
      const name = h('input', { type: 'text', maxlength: '255', required: true, autofocus: true, autocomplete: 'off' });
      const role = h('select', null, h('option', { value: 'operator' }, 'Operator: may do everything'), h('option', { value: 'viewer' }, 'Viewer: reads, changes nothing'));
      return h('form', { onsubmit: async (event) => {
        event.preventDefault();
        const made = await attempt('The token could not be issued', () => post('/org/tokens', { name: name.value.trim(), role: role.value }));
        if (made) close(made);
      } },
      h('div', { class: 'dialog-body form' }, field('Name', name, 'Whom or what it is for; the audit shows it.'), field('Role', role)),
      h('footer', { class: 'dialog-foot' }, button('Cancel', null, () => close()), h('button', { type: 'submit', class: 'button primary' }, 'Issue')));
    });
    if (!answer) return;
    await showOnce('A new token', 'It is shown only now. Keep it where secrets are kept.', answer.auth_token);
    void loadTokens();
  }

  async function revoke(token) {
    if (!(await confirmDialog({ title: 'Revoke this token?', body: h('p', null, h('strong', { dir: 'auto' }, token.name || 'unnamed'), ' (', h('code', null, `${token.prefix}…`), ') is refused from now on, and sessions made with it end.'), action: 'Revoke', danger: true }))) return;
    await attempt('The token could not be revoked', () => remove(`/org/tokens/${token.id}`), 'The token was revoked.');
    void loadTokens();
  }

  const loadSecrets = () => showSecrets(secrets, '/settings/secrets', 'There is no secret for all workspaces.', 'Set one, such as the API key of a model provider.');
  const load = () => Promise.all([loadTokens(), loadSecrets()]);
  return { element, heading, title: 'Settings', refresh: load, update: () => void load() };
}
