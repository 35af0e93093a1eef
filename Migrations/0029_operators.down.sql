SET LOCAL lock_timeout = '5s';

DROP TABLE service_instances;
DROP TABLE audit_log;
ALTER TABLE console_sessions DROP COLUMN credential_digest;
ALTER TABLE org_api_tokens DROP COLUMN role;
