// One workspace: its head, why it is as it is, and its tabs.

import { append, button, fill, h, icon, iconButton, outwardLink, setText, throttle } from './dom.js';
import { canWrite, get } from './api.js';
import { actionsFor, actOn } from './actions.js';
import { now, relative } from './clock.js';
import { cents, count, duration, plural, words } from './format.js';
import { learnName, workspaceLink } from './names.js';
import { copyButton, errorPanel } from './overlays.js';
import { pill } from './pill.js';
import { href, setPageTitle, setParams } from './router.js';
import { applyToWorkspace, reasonOf } from './fleet.js';
import { pushed } from './pushes.js';
import { chatTab } from './chat.js';
import { activityTab } from './activity.js';
import { queueTab } from './messages.js';
import { delegationsTab } from './delegations.js';
import { schedulesTab } from './schedules.js';
import { accessTab } from './access.js';

const tabs = [['chat', 'Chat', chatTab], ['activity', 'Activity', activityTab], ['queue', 'Queue', queueTab], ['delegations', 'Delegations', delegationsTab], ['schedules', 'Schedules', schedulesTab], ['access', 'Access', accessTab]];

export function workspaceScreen({ id, drawer }) {
  let workspace = null;
  let tab = null;
  let tabName = null;
  let params = new URLSearchParams();

  const heading = h('h1', { tabindex: '-1', dir: 'auto' }, '…');
  const trail = h('nav', { class: 'trail', 'aria-label': 'Place in the tree' }, h('a', { href: href('fleet') }, 'Fleet'));
  const status = h('span');
  const role = h('p', { class: 'summary', dir: 'auto' });
  const actions = h('div', { class: 'row-actions' });
  const banners = h('div', { class: 'banners', 'aria-live': 'polite' });
  const facts = h('dl', { class: 'facts' });
  const below = h('span', null, '–');
  const card = h('div', { class: 'card-place' });
  const tabList = h('div', { role: 'tablist', 'aria-label': 'Parts of this workspace', class: 'tabs' });
  const panel = h('div', { role: 'tabpanel', class: 'panel', id: 'panel' });
  const content = h('div', { class: 'workspace' });
  const head = h('div', { class: 'workspace-head' }, trail,
    h('header', { class: 'screen-head' }, h('div', { class: 'titles' }, h('div', { class: 'name-line' }, heading, status), role), actions), banners, facts, card);
  append(content, [head, tabList, panel]);
  const element = h('section', { class: 'screen', 'aria-label': 'Workspace' }, content);

  const tabButtons = tabs.map(([name, label]) => h('button', { type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': 'panel', onclick: () => setParams({ tab: name === 'chat' ? null : name, open: null }, { push: true }) }, label));
  append(tabList, tabButtons);
  tabList.addEventListener('keydown', (event) => {
    const place = tabButtons.indexOf(document.activeElement);
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const target = tabButtons[(next + tabs.length) % tabs.length];
    target.focus();
    target.click();
  });

  async function load() {
    try {
      workspace = await get(`/workspaces/${id}`);
    } catch (error) {
      if (workspace && error.isPlatformDown) return;
      fill(element, h('h1', { tabindex: '-1' }, 'Workspace'), errorPanel('This workspace could not be read', error, () => {
        fill(element, content);
        void load();
      }), h('p', null, h('a', { href: href('fleet') }, 'Back to the fleet')));
      return;
    }
    learnName(id, workspace.name);
    draw();
    drawCard();
    void drawPlace();
    showTab();
  }

  function draw() {
    setText(heading, workspace.name);
    setPageTitle(workspace.name);
    screen.title = workspace.name;
    if (status.firstChild?.getAttribute('status') !== workspace.status) fill(status, pill(workspace.status));
    setText(role, workspace.role ?? '');
    const held = actions.contains(document.activeElement) ? document.activeElement.dataset.action : null;
    fill(actions, actionsFor(workspace).map((action) => button(action.label, action.icon, () => actOn(workspace, action, load), { class: action.danger ? 'button danger-quiet' : 'button', 'data-action': action.name })));
    if (held) actions.querySelector(`[data-action=${held}]`)?.focus();
    drawBanners();
    drawFacts();
  }

  let banner = '';
  function drawBanners() {
    const reason = reasonOf(workspace);
    const key = `${workspace.status} ${reason} ${workspace.updated_at}`;
    if (key === banner) return;
    banner = key;
    const tone = workspace.status === 'degraded' ? 'warn' : 'bad';
    const advice = {
      degraded: 'Messages are still delivered. It recovers by itself once it says so; if it does not, restart it.',
      failed: 'It takes no messages. Mend what the reason names, then restart it.',
      offline: 'Messages wait or fail until it is heard of again. Look at its process and its network, or restart it.',
    }[workspace.status];
    fill(banners,
      advice && h('div', { class: `notice ${tone}`, 'data-banner': workspace.status }, icon('warn'), h('div', null, h('p', { class: 'strong' }, `It is ${words(workspace.status)}${reason ? ': ' : ', and gave no reason.'}`, reason && h('span', { class: 'reason-text', dir: 'auto' }, reason)), h('p', null, advice))),
      workspace.status === 'provisioning' && provisioningBanner(),
      workspace.status === 'awaiting_agent' && h('div', { class: 'notice info' }, icon('info'), h('p', null, 'No agent has registered yet. Start it with this workspace’s id and a token of the Access tab.')),
      workspace.status === 'paused' && h('div', { class: 'notice info' }, icon('pause'), h('p', null, 'A person paused it. It takes no messages until it is resumed.')),
      workspace.status === 'hibernated' && h('div', { class: 'notice info' }, icon('moon'), h('p', null, 'It sleeps, as it was idle. The next message wakes it.')));
  }

  function provisioningBanner() {
    const began = Date.parse(workspace.updated_at);
    const timeout = workspace.provision_timeout_ms;
    const bar = timeout && h('progress', { max: timeout, 'aria-label': 'Time used of what a start may take' });
    if (bar) bar.value = Math.min(timeout, Math.max(0, now() - began));
    return h('div', { class: 'notice info', 'data-banner': 'provisioning' }, icon('restart'), h('div', null,
      h('p', null, h('strong', null, 'It is being started'), ', for ', relative(began, 'for'), timeout ? [': ', relative(began + timeout, 'left'), ` of ${duration(timeout / 1000)}.`] : '.'), bar,
      h('p', null, timeout ? 'When no time is left it becomes failed, with the reason here.' : 'How long its start may take is not declared by a template of its runtime.')));
  }

  function drawFacts() {
    const item = (label, ...value) => h('div', null, h('dt', null, label), h('dd', null, value));
    const held = facts.contains(document.activeElement);
    if (held) return;
    const isAlive = ['online', 'degraded'].includes(workspace.status);
    fill(facts,
      item('Address', workspace.url ? [outwardLink(workspace.url), ' ', copyButton(workspace.url, 'Copy the address')] : 'none'),
      item('Runtime', workspace.runtime, ` · tier ${workspace.tier}`),
      item('Up for', isAlive ? duration(workspace.uptime_seconds) : '–'),
      item('Heartbeat', relative(workspace.last_heartbeat_at) ?? 'never'),
      item('Load', `${workspace.active_tasks}/${workspace.max_concurrent_tasks}`, workspace.current_task && [' · ', h('span', { dir: 'auto' }, workspace.current_task)]),
      item('Queue', h('a', { href: href('workspace', id, { tab: 'queue' }) }, plural(workspace.queue_depth, 'message'))),
      item('Errors', `${Math.round((workspace.last_error_rate ?? 0) * 100)} %`),
      item('Spend this month', `${cents(workspace.monthly_spend)}${workspace.budget_limit === null || workspace.budget_limit === undefined ? '' : ` of ${cents(workspace.budget_limit)}`}`),
      item('Below it', below),
      item('Id', h('code', null, id), ' ', copyButton(id, 'Copy the id')));
  }

  function drawCard() {
    const data = workspace.agent_card;
    if (!data || typeof data !== 'object') return fill(card);
    const isOpen = card.querySelector('details')?.open ?? false;
    const skills = Array.isArray(data.skills) ? data.skills.slice(0, 50) : [];
    const abilities = Object.entries(data.capabilities ?? {}).filter(([, value]) => value === true).map(([name]) => name);
    return fill(card, h('details', { class: 'agent-card', open: isOpen }, h('summary', null, 'Agent card', skills.length > 0 && h('span', { class: 'sub' }, ` ${plural(skills.length, 'skill')}`)),
      h('dl', { class: 'facts' },
        fact('Name', data.name), fact('Version', data.version), fact('Protocol', data.protocolVersion), fact('Description', data.description),
        fact('Provider', data.provider?.organization && [data.provider.organization, ' ', data.provider.url && outwardLink(String(data.provider.url))]),
        fact('Documentation', data.documentationUrl && outwardLink(String(data.documentationUrl))), fact('Can', abilities.join(', '))),
      skills.length > 0 && h('ul', { class: 'skills' }, skills.map((skill) => h('li', { dir: 'auto' }, h('strong', null, String(skill?.name ?? skill?.id ?? '')), skill?.description ? ` ${skill.description}` : '')))));
  }

  const fact = (label, value) => value && h('div', null, h('dt', null, label), h('dd', { dir: 'auto' }, value));

  async function drawPlace() {
    const ancestors = [];
    let parent = workspace.parent_id;
    try {
      while (parent && ancestors.length < 6) {
        const above = await get(`/workspaces/${parent}`, null, { quiet: true });
        ancestors.unshift(above);
        learnName(above.id, above.name);
        parent = above.parent_id;
      }
      const children = await get('/admin/workspaces', { parent_id: id, limit: 1 }, { quiet: true });
      fill(below, children.total ? h('a', { href: href('fleet', null, { parent_id: id }) }, plural(children.total, 'workspace')) : 'none');
    } catch { /* the tree can be read in the fleet */ }
    fill(trail, h('a', { href: href('fleet') }, 'Fleet'), parent && ' / …', ancestors.map((above) => [' / ', workspaceLink(above.id, above.name)]), ' / ');
  }

  function showTab() {
    const wanted = tabs.some(([name]) => name === params.get('tab')) ? params.get('tab') : 'chat';
    tabs.forEach(([name], place) => {
      tabButtons[place].setAttribute('aria-selected', name === wanted);
      tabButtons[place].tabIndex = name === wanted ? 0 : -1;
    });
    if (wanted === tabName) return tab.update?.(params);
    tab?.leave?.();
    drawer.hide();
    tabName = wanted;
    head.classList.toggle('compact', wanted === 'chat');
    panel.setAttribute('aria-labelledby', `tab-${wanted}`);
    tab = tabs.find(([name]) => name === wanted)[2]({ id, drawer, workspace: () => workspace });
    fill(panel, tab.element);
    if (wanted === 'chat') pushed.delete(id);
    return tab.update?.(params);
  }

  const reloadSoon = throttle(async () => {
    try {
      workspace = Object.assign(workspace ?? {}, await get(`/workspaces/${id}`, null, { quiet: true }));
      draw();
    } catch { /* the next event or the reader asks again */ }
  }, 1500);

  const screen = {
    element, heading, title: 'Workspace',
    update(route) {
      params = route.params;
      if (!workspace) void load();
      else showTab();
    },
    refresh() {
      tab?.refresh?.();
      return load();
    },
    events(batch) {
      const mine = batch.filter((event) => event.workspace_id === id);
      if (mine.length && workspace) {
        const changed = mine.filter((event) => applyToWorkspace(workspace, event));
        if (changed.length) draw();
        if (mine.some((event) => /^(WORKSPACE_(?!HEARTBEAT)|A2A_|AGENT_CARD)/.test(event.type))) reloadSoon();
      }
      tab?.events?.(batch, mine);
    },
    leave() {
      tab?.leave?.();
      drawer.hide();
    },
  };
  return screen;
}
