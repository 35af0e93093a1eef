SET LOCAL lock_timeout = '5s';

-- What an operator's token is good for: everything, or reading.
ALTER TABLE org_api_tokens ADD COLUMN role text NOT NULL DEFAULT 'operator' CHECK (role IN ('operator', 'viewer'));

-- A session of the administrator ends with ADMIN_TOKEN: SHA-256 of the session's secret and of the token's hash, which
-- only who has both can make. A session of an org token ends with that token's row. Nobody could make sessions before.
DELETE FROM console_sessions;
ALTER TABLE console_sessions ADD COLUMN credential_digest bytea CHECK (octet_length(credential_digest) = 32),
    ADD CONSTRAINT console_sessions_credential CHECK ((org_token_id IS NULL) = (credential_digest IS NOT NULL));
