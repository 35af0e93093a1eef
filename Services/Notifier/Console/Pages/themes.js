// The theme: the only thing that this page stores.

const order = ['system', 'light', 'dark'];
const key = 'switchyard.theme';

export const themeName = () => document.documentElement.dataset.theme ?? 'system';

function setTheme(name) {
	if (name === 'system') delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = name;
	try {
		localStorage.setItem(key, name);
	} catch { /* storage is switched off: it holds for this page */ }
}

export function nextTheme() {
	setTheme(order[(order.indexOf(themeName()) + 1) % order.length]);
}
