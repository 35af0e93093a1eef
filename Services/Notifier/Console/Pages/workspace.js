// One workspace: its head, why it is as it is, and its tabs.

import {append, button, cents, copyButton, duration, errorPanel, facts, fill, get, h, href, icon, jsonBlock, learnName, navigate, now, outwardLink, peek, pill, plural, relative, setPageTitle, setText, tabStrip, throttle, words, workspaceLink} from './kit.js';
import {actionsFor, actOn} from './actions.js';
import {applyToWorkspace, reasonOf} from './fleet.js';
import {chatTab} from './chat.js';
import {activityTab} from './activity.js';
import {queueTab} from './messages.js';
import {delegationsTab} from './delegations.js';
import {schedulesTab} from './schedules.js';
import {accessTab} from './access.js';

export const tabs = {chat: chatTab, activity: activityTab, queue: queueTab, delegations: delegationsTab, schedules: schedulesTab, access: accessTab};

export function workspaceScreen({id, drawer}) {
	let workspace = null;
	let tab = null;
	let tabName = null;
	let params = new URLSearchParams();
	let isGone = false;

	const heading = h('h1', {tabindex: '-1'}, '…');
	const trail = h('nav.trail', {'aria-label': 'Place in the tree'}, h('a', {href: href('fleet')}, 'Fleet'));
	const status = h('span');
	const role = h('p.summary');
	const actions = h('div.row-actions');
	const banners = h('div.banners', {'aria-live': 'polite'});
	const vitals = h('div.vitals');
	const below = h('span', '–');
	const card = h('div');
	const strip = tabStrip('Parts of this workspace', Object.keys(tabs));
	const panel = h('div', {role: 'tabpanel', class: 'panel', id: 'panel'});
	const content = h('div.workspace');
	const head = h('div.workspace-head', trail,
		h('header.screen-head', h('div.titles', h('div.name-line', heading, status), role), actions), banners, vitals, card);
	append(content, [head, strip.element, panel]);
	const element = h('section.screen', {'aria-label': 'Workspace'}, content);

	async function load() {
		try {
			workspace = await get(`/workspaces/${id}`);
		} catch (error) {
			if (isGone || workspace) return;
			fill(element, h('h1', {tabindex: '-1'}, 'Workspace'), errorPanel('This workspace could not be read', error, () => {
				fill(element, content);
				void load();
			}), h('p', h('a', {href: href('fleet')}, 'Back to the fleet')));
			return;
		}
		if (isGone) return;
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
		fill(actions, actionsFor(workspace).map((action) => button(action.label, action.icon, () => actOn(workspace, action, action.name === 'delete' ? () => navigate('fleet') : load), {kind: action.danger ? 'danger-quiet' : '', 'data-action': action.name})));
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
			failed: 'It takes no messages. Fix what the reason names, then restart it.',
			offline: 'Messages wait or fail until it is heard of again. Look at its process and its network, or restart it.',
		}[workspace.status];
		const hint = {
			awaiting_agent: ['info', 'No agent has registered yet. Start it with this workspace’s id and a token of the Access tab.'],
			paused: ['pause', 'A person paused it. It takes no messages until it is resumed.'],
			hibernated: ['moon', 'It sleeps, as it was idle. The next message wakes it.'],
			removed: ['trash', 'It was deleted. What it did can still be read.'],
		}[workspace.status];
		fill(banners,
			advice && h('div', {class: `notice ${tone}`, 'data-banner': workspace.status}, icon('warn'), h('div', h('p.strong', `It is ${words(workspace.status)}${reason ? ': ' : ', and gave no reason.'}`, reason), h('p', advice))),
			workspace.status === 'provisioning' && provisioningBanner(),
			hint && h('div.notice.info', icon(hint[0]), h('p', hint[1])));
	}

	function provisioningBanner() {
		const began = Date.parse(workspace.updated_at);
		const timeout = workspace.provision_timeout_ms;
		const bar = timeout && h('progress', {max: timeout, 'aria-label': 'Time used of what a start may take'});
		if (bar) bar.value = Math.min(timeout, Math.max(0, now() - began));
		return h('div.notice.info', {'data-banner': 'provisioning'}, icon('restart'), h('div', null,
			h('p', h('strong', 'It is being started'), ', for ', relative(began, 'for'), timeout ? [': ', relative(began + timeout, 'left'), ` of ${duration(timeout / 1000)}.`] : '.'), bar,
			h('p', timeout ? 'When no time is left it becomes failed, with the reason here.' : 'How long its start may take is not declared by a template of its runtime.')));
	}

	function drawFacts() {
		const held = [...vitals.querySelectorAll('a, relative-time')].indexOf(document.activeElement);
		const isAlive = ['online', 'degraded'].includes(workspace.status);
		fill(vitals, facts([
			['Address', workspace.url ? h('span.clip-2', {title: workspace.url}, outwardLink(workspace.url)) : 'none'], ['Runtime', `${workspace.runtime} · tier ${workspace.tier}`], ['Up for', isAlive ? duration(workspace.uptime_seconds) : '–'],
			['Heartbeat', relative(workspace.last_heartbeat_at) ?? 'never'], ['Load', [`${workspace.active_tasks}/${workspace.max_concurrent_tasks}`, workspace.current_task && h('span.clip-2', {title: workspace.current_task}, workspace.current_task)]],
			['Queue', h('a', {href: href('workspace', id, {tab: 'queue'})}, plural(workspace.queue_depth, 'message'))], ['Spend this month', `${cents(workspace.monthly_spend)}${workspace.budget_limit === null ? '' : ` of ${cents(workspace.budget_limit)}`}`],
		]));
		vitals.querySelectorAll('a, relative-time')[held]?.focus();
	}

	function drawCard() {
		fill(card, h('details.agent-card', {open: card.firstChild?.open ?? false}, h('summary', 'Details and agent card'),
			facts([['Id', [h('code', id), copyButton(id, 'Copy the id')]], ['Errors', `${Math.round(workspace.last_error_rate * 100)} %`], ['Below it', below], ['Waits for a start', workspace.provision_timeout_ms && duration(workspace.provision_timeout_ms / 1000)]]),
			workspace.agent_card ? jsonBlock(workspace.agent_card, 'Agent card') : h('p.hint', 'It has no card.')));
	}

	async function drawPlace() {
		const ancestors = [];
		let parent = workspace.parent_id;
		try {
			while (parent && ancestors.length < 6) {
				const above = await peek(`/workspaces/${parent}`);
				ancestors.unshift(above);
				learnName(above.id, above.name);
				parent = above.parent_id;
			}
			const children = await peek('/admin/workspaces', {parent_id: id, limit: 1});
			fill(below, children.total ? h('a', {href: href('fleet', null, {parent_id: id})}, plural(children.total, 'workspace')) : 'none');
		} catch { /* the tree can be read in the fleet */ }
		fill(trail, h('a', {href: href('fleet')}, 'Fleet'), parent && ' / …', ancestors.map((above) => [' / ', workspaceLink(above.id, above.name)]));
	}

	function showTab() {
		const wanted = strip.select(params.get('tab'));
		if (wanted === tabName) return tab.update?.(params);
		tab?.leave?.();
		drawer.hide();
		tabName = wanted;
		panel.setAttribute('aria-labelledby', `tab-${wanted}`);
		tab = tabs[wanted]({id, drawer, workspace: () => workspace});
		fill(panel, tab.element);
		return tab.update?.(params);
	}

	const reloadSoon = throttle(async () => {
		try {
			workspace = Object.assign(workspace ?? {}, await peek(`/workspaces/${id}`));
			if (!isGone) draw();
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
			isGone = true;
			tab?.leave?.();
			drawer.hide();
		},
	};
	return screen;
}
