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

export function duration(seconds) {
	const total = Math.max(0, Math.floor(seconds));
	if (total < 60) return `${total} s`;
	const minutes = Math.floor(total / 60);
	if (minutes < 60) return total % 60 && minutes < 10 ? `${minutes} min ${total % 60} s` : `${minutes} min`;
	const hours = Math.floor(minutes / 60);
	if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
	const days = Math.floor(hours / 24);
	return hours % 24 && days < 10 ? `${days} d ${hours % 24} h` : `${days} d`;
}

export function shortDuration(seconds) {
	const total = Math.max(0, Math.floor(seconds));
	if (total < 60) return `${total} s`;
	if (total < 3600) return `${Math.floor(total / 60)} min`;
	if (total < 86400) return `${Math.floor(total / 3600)} h`;
	return `${Math.floor(total / 86400)} d`;
}

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
