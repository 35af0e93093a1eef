// How many messages agents pushed to the person since this page was opened, by workspace; reading a chat clears its number.

export const pushed = new Map();

const limit = 10000;

/** Counts pushes; `reading` is the workspace whose chat is open. */
export function countPushes(batch, reading) {
  for (const event of batch) {
    if (event.type !== 'AGENT_MESSAGE' || event.workspace_id === reading) continue;
    if (pushed.size < limit || pushed.has(event.workspace_id)) pushed.set(event.workspace_id, (pushed.get(event.workspace_id) ?? 0) + 1);
  }
}
