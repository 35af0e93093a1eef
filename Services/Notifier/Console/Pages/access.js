// Who may speak for a workspace and what it may know and spend: tokens, names of secrets, budget.

import { button, field, fill, h } from './dom.js';
import { canWrite, get, patch, post, put, remove } from './api.js';
import { relative } from './clock.js';
import { cents } from './format.js';
import { attempt, confirmDialog, emptyState, errorPanel, openDialog, showOnce } from './overlays.js';

export function accessTab({ id }) {
  const tokens = h('div');
  const secrets = h('div');
  const budget = h('div');
  const element = h('div', { class: 'tab-content blocks' },
    block('Tokens', 'An agent’s own bearers. Each is shown once, when it is issued.', tokens, canWrite() && button('Issue a token', 'plus', issue)),
    block('Secrets', 'In the environment of its container, over those of all workspaces. Names are shown, values never.', secrets, canWrite() && button('Set a secret', 'plus', () => setSecret(`/workspaces/${id}/secrets`, loadSecrets))),
    block('Budget', 'Once the month’s spend reaches it, messages to this workspace are refused.', budget, canWrite() && button('Change', 'edit', changeBudget)));

  async function loadTokens() {
    try {
      const { tokens: list } = await get(`/workspaces/${id}/tokens`, { limit: 200 });
      fill(tokens, list.length ? simpleTable('Tokens', ['Begins with', 'Issued', 'Last used', ''], list.map((token) => [h('code', null, `${token.prefix}…`), relative(token.created_at), relative(token.last_used_at) ?? 'never', canWrite() && button('Revoke', 'trash', () => revoke(token), { class: 'button danger-quiet small' })])) : emptyState('It has no token.', 'Its agent cannot sign in until you issue one.'));
    } catch (error) {
      fill(tokens, errorPanel('The tokens could not be read', error, loadTokens));
    }
  }

  async function issue() {
    const answer = await attempt('The token could not be issued', () => post(`/workspaces/${id}/tokens`));
    if (!answer) return;
    await showOnce('A new token', 'It is shown only now. Give it to the agent as its bearer.', answer.auth_token);
    void loadTokens();
  }

  async function revoke(token) {
    if (!(await confirmDialog({ title: 'Revoke this token?', body: h('p', null, 'Whoever uses the token ', h('code', null, `${token.prefix}…`), ' is refused from now on.'), action: 'Revoke', danger: true }))) return;
    await attempt('The token could not be revoked', () => remove(`/workspaces/${id}/tokens/${token.id}`), 'The token was revoked.');
    void loadTokens();
  }

  const loadSecrets = () => showSecrets(secrets, `/workspaces/${id}/secrets`, 'It has no secret of its own.', 'Set one, such as an API key; those of all workspaces are in the settings.');

  async function loadBudget() {
    try {
      const { budget_limit: limit, monthly_spend: spend, budget_remaining: left } = await get(`/workspaces/${id}/budget`);
      fill(budget, h('dl', { class: 'facts' }, [['Spent this month', cents(spend)], ['Ceiling', limit === null ? 'none' : cents(limit)], ['Left', limit === null ? '–' : cents(Math.max(0, left))]].map(([label, value]) => h('div', null, h('dt', null, label), h('dd', null, value)))));
    } catch (error) {
      fill(budget, errorPanel('The budget could not be read', error, loadBudget));
    }
  }

  async function changeBudget() {
    const chosen = await openDialog('Change the budget', (close) => {
      const amount = h('input', { type: 'number', min: '0', step: '0.01', inputmode: 'decimal', autofocus: true });
      return h('form', { onsubmit: (event) => {
        event.preventDefault();
        close({ limit: amount.value === '' ? null : Math.round(Number(amount.value) * 100) });
      } },
      h('div', { class: 'dialog-body form' }, field('A month’s ceiling', amount, 'In whole units of the currency, with cents behind the point. Leave it empty for no ceiling.')),
      h('footer', { class: 'dialog-foot' }, button('Cancel', null, () => close()), h('button', { type: 'submit', class: 'button primary' }, 'Save')));
    });
    if (!chosen) return;
    await attempt('The budget could not be changed', () => patch(`/workspaces/${id}/budget`, { budget_limit: chosen.limit }), 'The budget was changed.');
    void loadBudget();
  }

  const load = () => Promise.all([loadTokens(), loadSecrets(), loadBudget()]);
  void load();
  return { element, refresh: load };
}

/** A block of a page: title, what it is, what can be done, content. */
export function block(label, explanation, content, ...actions) {
  return h('section', { class: 'block' }, h('header', { class: 'block-head' }, h('div', null, h('h2', null, label), explanation && h('p', { class: 'hint' }, explanation)), h('div', { class: 'row-actions' }, actions)), content);
}

/** A short table that needs no virtual rows. */
export function simpleTable(label, heads, rows) {
  return h('div', { class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': label }, h('table', { class: 'simple' },
    h('thead', null, h('tr', null, heads.map((head) => h('th', { scope: 'col' }, head || h('span', { class: 'visually-hidden' }, 'Actions'))))),
    h('tbody', null, rows.map((cells) => h('tr', null, cells.map((cell) => h('td', { dir: 'auto' }, cell)))))));
}

/** The names of secrets at a path, with a way to remove each. */
export async function showSecrets(place, path, none, advice) {
  const again = () => showSecrets(place, path, none, advice);
  let list;
  try {
    list = await get(path);
  } catch (error) {
    fill(place, errorPanel('The names of the secrets could not be read', error, again));
    return;
  }
  const takeOut = async (secret) => {
    if (!(await confirmDialog({ title: 'Remove this secret?', body: h('p', null, h('code', null, secret.key), ' is gone for good, and the workspaces it concerns are restarted.'), action: 'Remove', danger: true }))) return;
    await attempt('The secret could not be removed', () => remove(`${path}/${encodeURIComponent(secret.key)}`), `${secret.key} was removed.`);
    void again();
  };
  fill(place, list.length ? simpleTable('Secrets', ['Name', 'Set', 'Changed', ''], list.map((secret) => [h('code', null, secret.key), relative(secret.created_at), relative(secret.updated_at), canWrite() && button('Remove', 'trash', () => takeOut(secret), { class: 'button danger-quiet small' })])) : emptyState(none, advice));
}

/** Asks for a secret and stores it. */
export async function setSecret(path, done) {
  const saved = await openDialog('Set a secret', (close) => {
    const key = h('input', { type: 'text', required: true, pattern: '[A-Za-z_][A-Za-z0-9_]*', autocomplete: 'off', spellcheck: 'false', autofocus: true });
    const value = h('textarea', { required: true, rows: '3', spellcheck: 'false', autocomplete: 'off' });
    const submit = async (event) => {
      event.preventDefault();
      if (await attempt('The secret could not be stored', () => put(path, { key: key.value, value: value.value }), `${key.value} was set.`)) close(true);
    };
    return h('form', { onsubmit: submit },
      h('div', { class: 'dialog-body form' }, field('Name', key, 'Letters, digits and _; no digit first.'), field('Value', value, 'Stored encrypted. It cannot be read here again. The workspaces it concerns are restarted.')),
      h('footer', { class: 'dialog-foot' }, button('Cancel', null, () => close()), h('button', { type: 'submit', class: 'button primary' }, 'Set')));
  });
  if (saved) done();
}
