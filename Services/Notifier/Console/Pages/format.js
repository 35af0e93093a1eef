// Numbers, sizes, money and durations as people read them.

const whole = new Intl.NumberFormat('en');
const money = new Intl.NumberFormat('en', {minimumFractionDigits: 2, maximumFractionDigits: 2});

export const count = (number) => whole.format(number ?? 0);

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

export const cents = (amount) => money.format((amount ?? 0) / 100);

export function bytes(size) {
	if (size < 1000) return `${size} B`;
	if (size < 1e6) return `${(size / 1e3).toFixed(1)} kB`;
	return `${(size / 1e6).toFixed(1)} MB`;
}

/** Seconds of each unit, and below how many of it the next smaller one is told, too. */
const units = [['d', 86400, 10], ['h', 3600, 24], ['min', 60, 10], ['s', 1, 0]];

export function duration(seconds, isShort = false) {
	const total = Math.max(0, Math.floor(seconds));
	const place = units.findIndex(([, size]) => total >= size || size === 1);
	const [unit, size, few] = units[place];
	const number = Math.floor(total / size);
	const [smaller, part] = units[place + 1] ?? [];
	const rest = !isShort && number < few && Math.floor((total % size) / part);
	return `${number} ${unit}${rest ? ` ${rest} ${smaller}` : ''}`;
}

export const shortDuration = (seconds) => duration(seconds, true);

export function milliseconds(time) {
	if (time === null || time === undefined) return '';
	if (time < 1000) return `${time} ms`;
	if (time < 60000) return `${(time / 1000).toFixed(1)} s`;
	return duration(time / 1000);
}

/** The first characters of an id, enough to tell it from others on a screen. */
export const shortID = (id) => (id ? id.slice(0, 8) : '');

/** A word of the API as a word of a sentence: `awaiting_agent` is "awaiting agent". */
export const words = (name) => String(name ?? '').replaceAll('_', ' ').replaceAll('-', ' ');

export function title(name) {
	const text = words(name);
	return text.charAt(0).toUpperCase() + text.slice(1);
}
