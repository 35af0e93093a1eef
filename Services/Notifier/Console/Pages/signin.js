// Signing in: the token is exchanged for a cookie that scripts cannot read, and kept nowhere.

import {field, fill, h, post} from './kit.js';

export function signinPage(done, message) {
	const problem = h('p.form-error', {role: 'alert'});
	const token = h('input', {type: 'password', id: 'token', autocomplete: 'new-password', required: true});
	const submit = h('button', {type: 'submit', class: 'button primary'}, 'Sign in');
	const send = async (event) => {
		event.preventDefault();
		const text = token.value.trim();
		if (!text) {
			fill(problem, 'Enter a token.');
			return;
		}
		submit.disabled = true;
		fill(problem);
		try {
			const answer = await post('/console/session', {token: text}, {quiet: true});
			token.value = '';
			done(answer);
		} catch (error) {
			fill(problem, error.status === 401 ? 'This token is not valid. Copy it again, whole, or ask for a new one.' : `Signing in failed. ${error.sentence} ${error.advice}`);
			token.focus();
			token.select();
		} finally {
			submit.disabled = false;
		}
	};
	return h('main.signin',
		h('form', {onsubmit: send, novalidate: true},
			h('img', {src: new URL('./favicon.svg', import.meta.url).pathname, alt: '', width: '40', height: '40'}),
			h('h1', 'Sign in'),
			message && h('p.notice.info', {role: 'status'}, message),
			field('Token', token, 'The admin token or an organisation’s. It is exchanged for a session of 12 hours and kept nowhere.'),
			problem, submit));
}
