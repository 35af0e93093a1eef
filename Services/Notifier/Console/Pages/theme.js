// Runs before the first paint, so that a chosen theme does not flash.
(() => {
	let theme = null;
	try { theme = localStorage.getItem('switchyard.theme'); } catch { /* storage is switched off: follow the system */ }
	if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
})();
