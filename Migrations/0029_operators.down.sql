SET LOCAL lock_timeout = '5s';

ALTER TABLE console_sessions DROP COLUMN credential_digest;
ALTER TABLE org_api_tokens DROP COLUMN role;
