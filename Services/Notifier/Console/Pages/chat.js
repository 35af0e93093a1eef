// The chat with one agent: what was sent, what came back, what waits and what the agent pushed by itself.

import { button, fill, h, icon, iconButton, setText, throttle } from './dom.js';
import { canWrite, get, request } from './api.js';
import { now, relative, timeOfDay } from './clock.js';
import { bytes, plural } from './format.js';
import { emptyState, errorPanel, notifyError } from './overlays.js';
import { partElements, readAnswer, readParts } from './parts.js';
import { statusShape } from './pill.js';
import { href } from './router.js';

const pageSize = 100;
const pollQueue = 10000;
const largestFile = 25 * 1024 * 1024;
const largestUpload = 50 * 1024 * 1024;
/** A browser has six connections to a host: calls that last must leave some to the rest of the page. */
const callsAtOnce = 3;

/** What was sent from this page and is not yet in the history, by workspace; it outlives the tab. */
const unsettled = new Map();
let calls = 0;
const waitingCalls = [];

export function chatTab({ id, workspace }) {
  const entries = new Map();
  let older = null;
  let error = null;
  let isLoaded = false;
  let contextID = null;
  let files = [];
  let generation = 0;
  let poll = null;
  let lastWork = '';
  const mine = unsettled.get(id) ?? new Map();
  unsettled.set(id, mine);
  const drawn = new Map();

  const log = h('div', { class: 'chat-log', role: 'log', 'aria-label': 'Conversation', tabindex: '0' });
  const top = h('div', { class: 'chat-older' });
  const items = h('ol', { class: 'chat-items' });
  log.append(top, items);
  const progress = h('div', { class: 'chat-progress', 'aria-live': 'polite' });
  const chips = h('div', { class: 'chips' });
  const text = h('textarea', { rows: '2', 'aria-label': 'Message', placeholder: 'Write to the agent. Enter sends, Shift+Enter begins a line.', oninput: grow, onkeydown: keyDown, onpaste: paste });
  const chooser = h('input', { type: 'file', multiple: true, hidden: true, tabindex: '-1', 'aria-label': 'Files to attach', onchange: () => addFiles(chooser.files) });
  const send = button('Send', 'send', submit, { class: 'button primary' });
  const composer = canWrite()
    ? h('div', { class: 'composer' }, chips, h('div', { class: 'composer-row' }, iconButton('Attach files', 'attach', () => chooser.click()), chooser, text, send))
    : h('p', { class: 'hint composer' }, 'You may read. Sending needs an operator’s token.');
  const element = h('div', { class: 'chat' }, log, progress, composer);
  element.addEventListener('dragover', (event) => canWrite() && event.preventDefault());
  element.addEventListener('drop', (event) => {
    if (!canWrite()) return;
    event.preventDefault();
    addFiles(event.dataTransfer.files);
  });

  void load();
  poll = setInterval(() => document.hidden || checkQueued(), pollQueue);

  async function load() {
    const turn = ++generation;
    try {
      const { data, headers } = await request('GET', `/workspaces/${id}/activity`, { query: { type: 'a2a_receive', source: 'canvas', limit: pageSize } });
      if (turn !== generation) return;
      entries.clear();
      readRows(data);
      older = headers.get('X-Next-Before');
      error = null;
    } catch (failure) {
      if (turn !== generation || failure.name === 'AbortError') return;
      error = failure;
    }
    isLoaded = true;
    draw(true);
    void findQueued();
  }

  async function loadOlder() {
    const height = log.scrollHeight;
    try {
      const { data, headers } = await request('GET', `/workspaces/${id}/activity`, { query: { type: 'a2a_receive', source: 'canvas', limit: pageSize, before: older } });
      readRows(data);
      older = headers.get('X-Next-Before');
    } catch (failure) {
      notifyError('Older messages could not be read', failure);
      return;
    }
    draw(false);
    log.scrollTop = log.scrollHeight - height;
  }

  /** Rows come newest first. Those of one message are one entry: it was queued once, and answered later. */
  function readRows(rows) {
    for (const row of rows) {
      if (row.method === 'notify') {
        const body = row.response_body ?? {};
        const said = typeof body.result === 'string' ? body.result : row.summary ?? '';
        entries.set(row.id, { key: row.id, kind: 'push', at: Date.parse(row.created_at), parts: [{ text: said }, ...readParts(body.parts)] });
        continue;
      }
      const message = row.request_body?.params?.message;
      const key = message?.messageId ?? row.id;
      const at = Date.parse(row.created_at) - (row.status === 'queued' ? 0 : row.duration_ms ?? 0);
      const known = entries.get(key);
      if (known) {
        known.at = Math.min(known.at, at);
        continue;
      }
      if (!message && row.method && !row.method.startsWith('message/') && !/^Send/.test(row.method)) continue;
      const entry = { key, kind: 'sent', at, settledAt: Date.parse(row.created_at), parts: message ? readParts(message.parts) : [{ text: row.summary ?? row.method ?? '' }], by: message?.metadata?.schedule_id ? 'Schedule' : null };
      settle(entry, row);
      entries.set(key, entry);
      if (mine.get(key)?.state !== 'sending') mine.delete(key);
    }
  }

  function settle(entry, row) {
    if (row.status === 'queued') {
      entry.state = 'queued';
      entry.reason = row.error_detail;
    } else if (row.response_body !== undefined) {
      answer(entry, row.response_body);
      if (row.status !== 'ok' && entry.state === 'answered') Object.assign(entry, { state: 'failed', error: row.error_detail ?? `status ${row.status}` });
    } else {
      Object.assign(entry, row.status === 'ok' ? { state: 'answered', answer: [] } : { state: 'failed', error: row.error_detail ?? row.status });
    }
  }

  function answer(entry, body) {
    const read = readAnswer(body);
    entry.answer = read.parts;
    entry.error = read.error;
    entry.task = read.task;
    entry.state = read.error ? 'failed' : read.task ? 'working' : 'answered';
    if (read.contextID && !(entry.at < contextAt)) {
      contextID = read.contextID;
      contextAt = entry.at;
    }
    if (read.task) followTask(entry, 2000);
  }
  let contextAt = -Infinity;

  /** A task that goes on is asked for until it is over, less and less often. */
  function followTask(entry, wait) {
    const turn = generation;
    setTimeout(async () => {
      if (turn !== generation || !element.isConnected || !canWrite()) return;
      try {
        const { data } = await request('POST', `/workspaces/${id}/a2a`, { body: rpc('tasks/get', { id: entry.task }), quiet: true });
        const read = readAnswer(data);
        if (!read.error) {
          Object.assign(entry, { answer: read.parts, state: read.task ? 'working' : 'answered', settledAt: now() });
          draw();
          if (!read.task) return;
        }
      } catch { /* asked again */ }
      if (wait < 60000) followTask(entry, wait * 1.6);
    }, wait);
  }

  const rpc = (method, params) => ({ jsonrpc: '2.0', id: crypto.randomUUID(), method, params });

  /** Finds the queue items of messages that waited when the history was written. */
  async function findQueued() {
    const waiting = [...entries.values()].filter((entry) => entry.state === 'queued' && !entry.queueID);
    if (!waiting.length) return checkQueued();
    try {
      const { items: found } = await get('/admin/queue', { target: id, caller: 'console', state: 'waiting,retrying,running,failed,dropped', limit: 200 }, { quiet: true });
      for (const item of found) {
        const near = waiting.filter((entry) => !entry.queueID && Math.abs(entry.at - Date.parse(item.enqueued_at)) < 10000);
        if (!near.length) continue;
        const { request: body } = await get(`/admin/queue/${item.queue_id}/body`, null, { quiet: true });
        const entry = near.find((candidate) => candidate.key === body?.params?.message?.messageId);
        if (entry) entry.queueID = item.queue_id;
      }
    } catch { /* without it they stay queued until an event or a reload says more */ }
    for (const entry of waiting) if (!entry.queueID) entry.isUntraced = true;
    return checkQueued();
  }

  async function checkQueued() {
    const waiting = [...entries.values(), ...mine.values()].filter((entry) => entry.state === 'queued' && entry.queueID).slice(0, 20);
    await Promise.all(waiting.map((entry) => checkItem(entry)));
    if (waiting.length) draw();
  }

  async function checkItem(entry) {
    let item;
    try {
      item = await get(`/queue/${entry.queueID}`, null, { quiet: true });
    } catch {
      return;
    }
    Object.assign(entry, { position: item.position, attempts: item.attempts, isRunning: item.status === 'dispatched' });
    if (item.last_error) entry.reason = item.last_error;
    if (item.status === 'completed') {
      answer(entry, item.response ?? {});
      entry.settledAt = Date.parse(item.completed_at) || now();
      entry.wasQueued = true;
    } else if (item.status === 'failed' || item.status === 'dropped') {
      Object.assign(entry, { state: item.status, error: item.last_error ?? (item.status === 'dropped' ? 'It was taken out of the queue.' : 'Delivery was given up.') });
    }
  }

  async function submit() {
    const said = text.value.trim();
    if ((!said && !files.length) || !canWrite()) return;
    const attached = files;
    const entry = {
      key: crypto.randomUUID(), kind: 'sent', at: now(), state: 'sending',
      parts: [...(said ? [{ text: said }] : []), ...attached.map((file) => ({ file: { name: file.name, size: file.size, mimeType: file.type, uri: '' } }))],
    };
    mine.set(entry.key, entry);
    text.value = '';
    files = [];
    drawFiles();
    grow();
    draw(true);
    text.focus();
    try {
      if (attached.length) {
        const uploaded = await upload(attached);
        entry.parts = [...(said ? [{ text: said }] : []), ...uploaded.map((file) => ({ file }))];
        draw();
      }
      await callAgent(entry);
    } catch (failure) {
      Object.assign(entry, { state: 'failed', error: `${failure.sentence ?? failure.message} ${failure.advice ?? ''}`, canResend: true });
    }
    settledSend(entry);
  }

  async function upload(attached) {
    const form = new FormData();
    for (const file of attached) form.append('files', file, file.name);
    const { data } = await request('POST', `/workspaces/${id}/chat/uploads`, { form });
    return data.files;
  }

  async function callAgent(entry) {
    if (calls >= callsAtOnce) await new Promise((resolve) => waitingCalls.push(resolve));
    calls++;
    try {
      const message = {
        role: 'user', kind: 'message', messageId: entry.key, ...(contextID && { contextId: contextID }),
        parts: entry.parts.map((part) => (part.file ? { kind: 'file', file: part.file } : { kind: 'text', text: part.text })),
      };
      const { data, status } = await request('POST', `/workspaces/${id}/a2a`, { body: rpc('message/send', { message }) });
      if (status === 202 && data?.queued) {
        Object.assign(entry, { state: 'queued', queueID: data.queue_id, position: data.position ?? data.queue_depth, reason: null });
        await checkItem(entry);
      } else {
        answer(entry, data);
        entry.settledAt = now();
      }
    } finally {
      calls--;
      waitingCalls.shift()?.();
    }
  }

  function settledSend(entry) {
    if (element.isConnected) draw(true);
    if (entry.state !== 'sending') workspaceNews();
  }
  const workspaceNews = () => setText(progress, '');

  function resend(entry) {
    entry.state = 'sending';
    entry.error = null;
    draw();
    callAgent(entry).catch((failure) => Object.assign(entry, { state: 'failed', error: `${failure.sentence ?? failure.message} ${failure.advice ?? ''}` })).then(() => settledSend(entry));
  }

  // What is shown

  function draw(toEnd = false) {
    if (error && !entries.size) {
      fill(top, errorPanel('The conversation could not be read', error, load));
      return;
    }
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    const all = [...new Map([...entries, ...mine]).values()].sort((a, b) => a.at - b.at);
    fill(top, older && button('Older messages', null, loadOlder, { class: 'button quiet' }),
      isLoaded && !all.length && emptyState('Nothing was said yet.', canWrite() ? 'Write below: the answer appears here, also when the agent is busy and answers later.' : 'What is sent to the agent, and what it pushes, appears here.'));
    let day = '';
    const wanted = [];
    for (const entry of all) {
      const date = new Date(entry.at).toDateString();
      if (date !== day) wanted.push({ key: `day ${date}`, signature: date, build: () => h('li', { class: 'day' }, h('span', null, new Date(entry.at).toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long' }))) });
      day = date;
      wanted.push({ key: entry.key, signature: JSON.stringify(entry), build: () => entryElement(entry) });
    }
    let place = items.firstChild;
    const seen = new Set();
    for (const { key, signature, build } of wanted) {
      seen.add(key);
      let known = drawn.get(key);
      if (!known || known.signature !== signature) {
        const fresh = build();
        if (known) {
          if (place === known.element) place = known.element.nextSibling;
          known.element.remove();
        }
        known = { element: fresh, signature };
        drawn.set(key, known);
      }
      if (known.element === place) place = place.nextSibling;
      else items.insertBefore(known.element, place);
    }
    for (const [key, known] of drawn) {
      if (seen.has(key)) continue;
      known.element.remove();
      drawn.delete(key);
    }
    if (toEnd || isAtEnd) log.scrollTop = log.scrollHeight;
  }

  function entryElement(entry) {
    if (entry.kind === 'push') return h('li', { class: 'entry push', 'data-entry': 'push' }, bubble('agent', 'Pushed by the agent', entry.at, partElements(id, entry.parts)));
    return h('li', { class: `entry ${entry.state}`, 'data-entry': entry.state, 'data-key': entry.key },
      bubble('you', entry.by ?? 'Sent', entry.at, partElements(id, entry.parts), stateLine(entry)),
      entry.answer?.length > 0 && bubble('agent', entry.wasQueued ? 'Answered out of the queue' : 'Agent', entry.settledAt ?? entry.at, partElements(id, entry.answer), entry.state === 'working' && h('p', { class: 'state' }, statusShape('running'), 'Still working on it')));
  }

  function bubble(side, who, at, content, ...below) {
    return h('div', { class: `bubble ${side}` }, h('p', { class: 'byline' }, h('span', null, who), ' ', h('time', { datetime: new Date(at).toISOString() }, timeOfDay(at)), ' · ', relative(at, 'ago', { short: true })), content, below);
  }

  function stateLine(entry) {
    switch (entry.state) {
      case 'sending': return h('p', { class: 'state' }, statusShape('running'), 'Sent; the agent works on it, for ', relative(entry.at, 'for'));
      case 'working': return entry.answer?.length ? null : h('p', { class: 'state' }, statusShape('running'), 'The agent has made a task of it and works on it');
      case 'queued': return h('p', { class: 'state' }, statusShape('queued'), h('span', null, entry.isRunning ? 'Queued, being delivered now' : entry.position ? `Queued, position ${entry.position}` : entry.isUntraced ? 'Queued' : 'Queued'), entry.reason && h('span', { class: 'sub', dir: 'auto' }, ` · ${entry.reason}`), entry.queueID && [' · ', h('a', { href: href('messages', null, { open: entry.queueID }) }, 'details')]);
      case 'answered': return h('p', { class: 'state' }, statusShape('delivered'), entry.answer?.length ? 'Delivered' : 'Delivered; the answer was empty or is not kept');
      case 'failed':
      case 'dropped': return h('p', { class: 'state bad-text' }, statusShape(entry.state), h('span', { dir: 'auto' }, `${entry.state === 'failed' ? 'Failed' : 'Dropped'}: ${entry.error}`), entry.canResend && canWrite() && button('Send again', 'restart', () => resend(entry), { class: 'button quiet small' }));
      default: return null;
    }
  }

  function drawWork() {
    const state = workspace();
    if (!state) return;
    const isBusy = state.active_tasks > 0;
    const task = state.current_task || lastWork;
    const words = isBusy ? `Working on ${plural(state.active_tasks, 'task')}${task ? `: ${task}` : ''}` : '';
    if (progress.dataset.words === words) return;
    progress.dataset.words = words;
    fill(progress, words && [statusShape('running'), h('span', { class: 'clip', dir: 'auto' }, words)]);
  }

  // Files and keys

  function addFiles(list) {
    for (const file of list) {
      if (file.size > largestFile) notifyError(`${file.name} was not attached`, new Error(`It has ${bytes(file.size)}; a file may have ${bytes(largestFile)}.`));
      else files.push(file);
    }
    while (files.reduce((sum, file) => sum + file.size, 0) > largestUpload) notifyError(`${files.pop().name} was not attached`, new Error(`All files together may have ${bytes(largestUpload)}.`));
    chooser.value = '';
    drawFiles();
  }

  function drawFiles() {
    fill(chips, files.map((file) => h('span', { class: 'tag' }, icon('attach'), h('span', { class: 'clip' }, file.name), h('span', { class: 'sub' }, bytes(file.size)), iconButton(`Take ${file.name} out`, 'close', () => {
      files = files.filter((other) => other !== file);
      drawFiles();
      text.focus();
    }))));
  }

  function paste(event) {
    if (event.clipboardData.files.length) {
      event.preventDefault();
      addFiles(event.clipboardData.files);
    }
  }

  function keyDown(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void submit();
  }

  function grow() {
    text.style.height = 'auto';
    text.style.height = `${Math.min(220, text.scrollHeight + 2)}px`;
  }

  const checkSoon = throttle(checkQueued, 700);
  const loadSoon = throttle(load, 3000);

  return {
    element,
    refresh: load,
    update: drawWork,
    events(batch, ours) {
      for (const event of ours) {
        const { type, data } = event;
        if (type === 'AGENT_MESSAGE') {
          const key = `live ${event.timestamp} ${data.message}`;
          entries.set(key, { key, kind: 'push', at: event.timestamp, parts: [{ text: data.message }, ...readParts((data.attachments ?? []).map((file) => ({ file })))] });
        } else if (type === 'ACTIVITY_LOGGED' && (data.activity_type === 'task_update' || data.activity_type === 'agent_log')) {
          lastWork = data.summary ?? '';
        }
      }
      if (ours.some((event) => event.type === 'AGENT_MESSAGE')) draw();
      if (ours.some((event) => event.type.startsWith('A2A_'))) checkSoon();
      if (ours.some((event) => event.type === 'A2A_RESPONSE')) readNews();
      if (ours.length) drawWork();
    },
    leave() {
      generation++;
      clearInterval(poll);
      for (const [key, entry] of mine) if (entry.state !== 'sending' && entry.state !== 'queued') mine.delete(key);
    },
  };

  /** Somebody else talks to the agent from another window: the history knows what was said. */
  function readNews() {
    const isOurs = [...mine.values()].some((entry) => entry.state === 'sending' || now() - (entry.settledAt ?? 0) < 3000);
    if (!isOurs) loadSoon();
  }
}
