// The feed of a workspace: 20 lines, repetitions in one, older ones on request.

import { button, debounce, fill, h, throttle } from './dom.js';
import { request } from './api.js';
import { relative } from './clock.js';
import { count, milliseconds, words } from './format.js';
import { workspaceLink } from './names.js';
import { emptyState, errorPanel, notifyError } from './overlays.js';
import { pill } from './pill.js';
import { jsonBlock } from './richtext.js';
import { setParams } from './router.js';

const lines = 20;
const pageSize = 100;
const types = ['a2a_send', 'a2a_receive', 'task_update', 'agent_log', 'skill_promotion', 'memory_write', 'error', 'delegation', 'cron_run'];

export function activityTab({ id, drawer }) {
  let rows = [];
  let next = null;
  let shown = lines;
  let error = null;
  let isLoading = true;
  let params = new URLSearchParams();
  let turn = 0;

  const type = h('select', { 'aria-label': 'Type', onchange: () => setParams({ type: type.value || null }) }, h('option', { value: '' }, 'Every type'), types.map((name) => h('option', { value: name }, words(name))));
  const search = h('input', { type: 'search', 'data-search': true, placeholder: 'Search the feed', 'aria-label': 'Search the feed', oninput: debounce(() => setParams({ q: search.value.trim() || null }), 300) });
  const summary = h('span', { class: 'hint', role: 'status' });
  const list = h('ol', { class: 'feed', 'data-feed': true });
  const more = h('div', { class: 'more' });
  const element = h('div', { class: 'tab-content' }, h('div', { class: 'toolbar' }, search, type, h('span', { class: 'spacer' }), summary), list, more);

  function read(before) {
    const q = params.get('q');
    return q ? request('GET', `/workspaces/${id}/session-search`, { query: { q, limit: pageSize, before } }) : request('GET', `/workspaces/${id}/activity`, { query: { type: params.get('type'), limit: pageSize, before } });
  }

  async function load() {
    const mine = ++turn;
    isLoading = true;
    try {
      const { data, headers } = await read();
      if (mine !== turn) return;
      rows = data;
      next = headers.get('X-Next-Before');
      error = null;
    } catch (failure) {
      if (mine !== turn) return;
      error = failure;
    }
    isLoading = false;
    draw();
  }

  async function older() {
    shown += lines;
    // Repetitions take rows without making lines: read on until there are lines to show.
    for (let pages = 0; next && collapse(visible()).length < shown && pages < 5; pages++) {
      try {
        const { data, headers } = await read(next);
        rows = rows.concat(data);
        next = headers.get('X-Next-Before');
      } catch (failure) {
        notifyError('Older lines could not be read', failure);
        break;
      }
    }
    draw();
  }

  const visible = () => (params.get('q') && params.get('type') ? rows.filter((row) => row.activity_type === params.get('type')) : rows);

  function draw() {
    const groups = collapse(visible());
    const part = groups.slice(0, shown);
    const isFiltered = params.get('type') || params.get('q');
    if (error && !rows.length) fill(list, h('li', { class: 'plain' }, errorPanel('The feed could not be read', error, load)));
    else if (!groups.length && !isLoading) {
      fill(list, h('li', { class: 'plain' }, isFiltered
        ? emptyState('No line matches.', 'Take the filter away, or search for another text.', button('Clear the filters', null, () => setParams({ type: null, q: null })))
        : emptyState('Nothing has happened yet.', 'Calls, reports of the agent and runs of schedules appear here.')));
    } else fill(list, part.map((group) => line(group)));
    fill(summary, groups.length ? `${count(part.length)} ${part.length === 1 ? 'line' : 'lines'}, ${count(part.reduce((sum, group) => sum + group.number, 0))} of ${count(rows.length)}${next ? ' or more' : ''} entries` : isLoading ? 'Loading…' : '');
    fill(more, (groups.length > shown || next) && button('Older', 'down', older));
  }

  function line({ row, number, last }) {
    const label = row.summary || row.method || words(row.activity_type);
    return h('li', null,
      h('span', { class: 'feed-type' }, words(row.activity_type)),
      h('div', { class: 'feed-text' },
        h('button', { type: 'button', class: 'link', dir: 'auto', onclick: () => show(row, number) }, label), number > 1 && h('span', { class: 'times', title: `${number} times in a row, the first ${last.created_at}` }, `× ${count(number)}`),
        row.error_detail && h('span', { class: 'sub bad-text clip', dir: 'auto', title: row.error_detail }, row.error_detail),
        row.source_id && row.source_id !== id && h('span', { class: 'sub' }, 'from ', workspaceLink(row.source_id)),
        row.target_id && row.target_id !== id && h('span', { class: 'sub' }, 'to ', workspaceLink(row.target_id))),
      row.status !== 'ok' ? pill(row.status) : h('span'),
      h('span', { class: 'feed-time' }, row.duration_ms !== null && h('span', { class: 'sub' }, milliseconds(row.duration_ms)), ' ', relative(row.created_at)));
  }

  function show(row, number) {
    drawer.show(words(row.activity_type), [
      h('dl', { class: 'facts one' }, [['When', relative(row.created_at)], ['Summary', row.summary], ['Times in a row', number > 1 && count(number)], ['Status', pill(row.status)], ['Method', row.method], ['From', workspaceLink(row.source_id)], ['To', workspaceLink(row.target_id)], ['Took', milliseconds(row.duration_ms)], ['Tokens', row.input_tokens !== undefined && `${count(row.input_tokens)} in, ${count(row.output_tokens)} out`], ['Error', row.error_detail]].filter(([, value]) => value).map(([label, value]) => h('div', null, h('dt', null, label), h('dd', { dir: 'auto' }, value)))),
      row.request_body !== undefined && h('details', null, h('summary', null, 'Request'), jsonBlock(row.request_body, 'Request')),
      row.response_body !== undefined && h('details', null, h('summary', null, 'Answer'), jsonBlock(row.response_body, 'Answer')),
      row.tool_trace && h('details', null, h('summary', null, 'Tools it used'), jsonBlock(row.tool_trace, 'Tools')),
    ], () => drawer.hide());
  }

  const loadSoon = throttle(load, 2000);
  return {
    element, refresh: load,
    update(now) {
      params = now;
      type.value = params.get('type') ?? '';
      if (search.value.trim() !== (params.get('q') ?? '')) search.value = params.get('q') ?? '';
      shown = lines;
      void load();
    },
    events: (batch, mine) => mine.some((event) => event.type === 'ACTIVITY_LOGGED') && loadSoon(),
    leave: () => (turn += 1),
  };
}

/** Rows that say the same, one after the other, as one with their number. */
export function collapse(rows) {
  const groups = [];
  for (const row of rows) {
    const before = groups.at(-1);
    const isSame = before && ['activity_type', 'summary', 'method', 'status', 'source_id', 'target_id', 'error_detail'].every((name) => before.row[name] === row[name]);
    if (isSame) Object.assign(before, { number: before.number + 1, last: row });
    else groups.push({ row, number: 1, last: row });
  }
  return groups;
}
