// Who may speak for a workspace and what it may know and spend: tokens, names of secrets, budget.

import { attempt, button, canWrite, cents, confirmDialog, emptyState, errorPanel, facts, field, fill, formDialog, get, h, patch, post, relative, remove, showOnce } from './kit.js';

export function accessTab({ id }) {
  const tokens = h('div');
  const secrets = h('div');
  const budget = h('div');
  const element = h('div.tab-content.blocks',
    block('Tokens', 'An agent’s own bearers. Each is shown once, when it is issued.', tokens, canWrite() && button('Issue a token', 'plus', issue)),
    block('Secrets', 'In the environment of its container, over those of all workspaces. Names are shown, values never.', secrets),
    block('Budget', 'Once the month’s spend reaches it, messages to this workspace are refused.', budget, canWrite() && button('Change', 'edit', changeBudget)));

  async function loadTokens() {
    try {
      const { tokens: list } = await get(`/workspaces/${id}/tokens`, { limit: 200 });
      fill(tokens, list.length ? simpleTable('Tokens', ['Begins with', 'Issued', 'Last used', ''], list.map((token) => [h('code', `${token.prefix}…`), relative(token.created_at), relative(token.last_used_at) ?? 'never', canWrite() && button('Revoke', 'trash', () => revoke(token), 'danger-quiet small')])) : emptyState('It has no token.', 'Its agent cannot sign in until you issue one.'));
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
    if (!(await confirmDialog({ title: 'Revoke this token?', body: h('p', 'Whoever uses the token ', h('code', `${token.prefix}…`), ' is refused from now on.'), action: 'Revoke', danger: true }))) return;
    await attempt('The token could not be revoked', () => remove(`/workspaces/${id}/tokens/${token.id}`), 'The token was revoked.');
    void loadTokens();
  }

  const loadSecrets = () => showSecrets(secrets, `/workspaces/${id}/secrets`, 'It has no secret of its own.', 'Set one with PUT /workspaces/{id}/secrets; those of all workspaces are in the settings.');

  async function loadBudget() {
    try {
      const { budget_limit: limit, monthly_spend: spend, budget_remaining: left } = await get(`/workspaces/${id}/budget`);
      fill(budget, facts([['Spent this month', cents(spend)], ['Ceiling', limit === null ? 'none' : cents(limit)], ['Left', limit === null ? '–' : cents(Math.max(0, left))]]));
    } catch (error) {
      fill(budget, errorPanel('The budget could not be read', error, loadBudget));
    }
  }

  async function changeBudget() {
    const amount = h('input', { type: 'number', min: '0', step: '0.01', inputmode: 'decimal', autofocus: true });
    const saved = await formDialog('Change the budget', field('A month’s ceiling', amount, 'In whole units of the currency, with cents behind the point. Leave it empty for no ceiling.'), 'Save',
      () => attempt('The budget could not be changed', () => patch(`/workspaces/${id}/budget`, { budget_limit: amount.value === '' ? null : Math.round(Number(amount.value) * 100) }), 'The budget was changed.'));
    if (saved) void loadBudget();
  }

  const load = () => Promise.all([loadTokens(), loadSecrets(), loadBudget()]);
  void load();
  return { element, refresh: load };
}

export function block(label, explanation, content, ...actions) {
  return h('section.block', h('header.block-head', h('div', h('h2', label), explanation && h('p.hint', explanation)), h('div.row-actions', actions)), content);
}

export function simpleTable(label, heads, rows) {
  return h('div.table-scroll', { tabindex: '0', role: 'region', 'aria-label': label }, h('table.simple',
    h('thead', h('tr', heads.map((head) => h('th', { scope: 'col' }, head || h('span.visually-hidden', 'Actions'))))),
    h('tbody', rows.map((cells) => h('tr', cells.map((cell) => h('td', cell)))))));
}

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
    if (!(await confirmDialog({ title: 'Remove this secret?', body: h('p', h('code', secret.key), ' is gone for good, and the workspaces it concerns are restarted.'), action: 'Remove', danger: true }))) return;
    await attempt('The secret could not be removed', () => remove(`${path}/${encodeURIComponent(secret.key)}`), `${secret.key} was removed.`);
    void again();
  };
  fill(place, list.length ? simpleTable('Secrets', ['Name', 'Set', 'Changed', ''], list.map((secret) => [h('code', secret.key), relative(secret.created_at), relative(secret.updated_at), canWrite() && button('Remove', 'trash', () => takeOut(secret), 'danger-quiet small')])) : emptyState(none, advice));
}
