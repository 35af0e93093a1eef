// Names of workspaces by id, learned from whatever names them, asked for one by one where nothing did.

import { h, setText } from './dom.js';
import { get } from './api.js';
import { shortID } from './format.js';
import { href } from './router.js';

const names = new Map();
const wanted = new Set();
const longest = 50000;
let isAsking = false;

/** Remembers a name. */
export function learnName(id, name) {
  if (!id || !name) return;
  if (names.size > longest) names.clear();
  names.set(id, name);
}

/** The name, or the first characters of the id. */
export const nameOf = (id) => names.get(id) ?? shortID(id);

/** A link to a workspace by its name, which is filled in when it is known. */
export function workspaceLink(id, name) {
  if (!id) return null;
  learnName(id, name);
  const link = h('a', { href: href('workspace', id), class: 'name', 'data-name-of': id }, nameOf(id));
  if (!names.has(id)) ask(id);
  return link;
}

function ask(id) {
  if (wanted.size > 200) return;
  wanted.add(id);
  if (!isAsking) void askAll();
}

async function askAll() {
  isAsking = true;
  await null;
  while (wanted.size) {
    const ids = [...wanted].slice(0, 4);
    await Promise.all(ids.map(async (id) => {
      try {
        learnName(id, (await get(`/workspaces/${id}`, null, { quiet: true })).name);
      } catch {
        learnName(id, shortID(id)); // removed, or out of reach: its id must do
      }
      wanted.delete(id);
      for (const link of document.querySelectorAll(`[data-name-of="${CSS.escape(id)}"]`)) setText(link, nameOf(id));
    }));
  }
  isAsking = false;
}

/** A field that finds a workspace by name or id. Its `value` is the id. */
export function workspacePicker({ label, value = '', extra = [], onchange = () => {}, placeholder = 'Any workspace' }) {
  const list = h('datalist', { id: `w${Math.random().toString(36).slice(2)}` });
  const found = new Map(extra.map(([id, name]) => [name, id]));
  const input = h('input', { type: 'text', list: list.id, placeholder, 'aria-label': label, autocomplete: 'off', spellcheck: 'false', class: 'picker' });
  const picker = { element: h('span.picker-box', input, list), input, list, value };
  const shownName = (id) => extra.find(([key]) => key === id)?.[1] ?? (id ? nameOf(id) : '');
  picker.set = (id) => {
    picker.value = id ?? '';
    input.value = shownName(id);
    if (id && !names.has(id) && !extra.some(([key]) => key === id)) {
      get(`/workspaces/${id}`, null, { quiet: true }).then((workspace) => {
        learnName(id, workspace.name);
        if (picker.value === id) input.value = workspace.name;
      }, () => {});
    }
  };
  let timer;
  let asked = 0;
  const search = async () => {
    const turn = ++asked;
    let page;
    try {
      page = await get('/admin/workspaces', { q: input.value, limit: 12, sort: 'name' }, { quiet: true });
    } catch {
      return;
    }
    if (turn !== asked) return;
    for (const workspace of page.workspaces) {
      learnName(workspace.id, workspace.name);
      found.set(workspace.name, workspace.id);
    }
    list.replaceChildren(...extra.map(([, name]) => h('option', { value: name })), ...page.workspaces.map((workspace) => h('option', { value: workspace.name }, workspace.role ?? shortID(workspace.id))));
    settle(true);
  };
  const settle = (isTyping) => {
    const text = input.value.trim();
    const id = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(text) ? text.toLowerCase() : text === '' ? '' : found.get(text);
    input.setCustomValidity(id === undefined && !isTyping ? 'No workspace has this name. Pick one of the list, or give its id.' : '');
    if (id === undefined || id === picker.value) return;
    picker.value = id;
    onchange(id);
  };
  input.addEventListener('focus', () => search());
  input.addEventListener('input', () => {
    clearTimeout(timer);
    settle(true);
    timer = setTimeout(search, 200);
  });
  input.addEventListener('change', () => settle(false));
  picker.set(value);
  return picker;
}
