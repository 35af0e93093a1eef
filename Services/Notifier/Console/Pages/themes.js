// The theme: as the system has it, light or dark. The only thing this page keeps in storage, and no secret.

const order = ['system', 'light', 'dark'];
const key = 'switchyard.theme';

/** The theme that was chosen. */
export const themeName = () => document.documentElement.dataset.theme ?? 'system';

/** Chooses a theme. */
function setTheme(name) {
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  try {
    localStorage.setItem(key, name);
  } catch { /* storage is switched off: it holds for this page */ }
}

/** Chooses the next one. */
export function nextTheme() {
  setTheme(order[(order.indexOf(themeName()) + 1) % order.length]);
}
