SET LOCAL lock_timeout = '5s';

-- What an operator's token is good for: everything, or reading.
ALTER TABLE org_api_tokens ADD COLUMN role text NOT NULL DEFAULT 'operator' CHECK (role IN ('operator', 'viewer'));

-- A session of the administrator ends with ADMIN_TOKEN: SHA-256 of the session's secret and of the token's hash, which
-- only who has both can make. A session of an org token ends with that token's row. Nobody could make sessions before.
DELETE FROM console_sessions;
ALTER TABLE console_sessions ADD COLUMN credential_digest bytea CHECK (octet_length(credential_digest) = 32),
    ADD CONSTRAINT console_sessions_credential CHECK ((org_token_id IS NULL) = (credential_digest IS NOT NULL));

-- What operators do: written before it is done, its status once it is answered. An entry without one is of a process that
-- ended in between.
CREATE TABLE audit_log (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    service      text NOT NULL,
    actor        text NOT NULL CHECK (actor IN ('admin', 'org', 'open')),
    -- The org token, which may be gone by now.
    actor_id     uuid,
    actor_name   text CHECK (length(actor_name) <= 255),
    token_prefix text CHECK (length(token_prefix) = 8),
    via          text NOT NULL CHECK (via IN ('token', 'console')),
    -- Method and route.
    action       text NOT NULL CHECK (length(action) <= 512),
    -- What stood at the route's parameters, and the workspace among them.
    target       text CHECK (length(target) <= 512),
    workspace_id uuid,
    status       integer,
    request_id   text NOT NULL CHECK (length(request_id) <= 512),
    client_ip    text NOT NULL CHECK (length(client_ip) <= 512)
) WITH (fillfactor = 90);

CREATE INDEX audit_log_age ON audit_log (at);
CREATE INDEX audit_log_target ON audit_log (target, id) WHERE target IS NOT NULL;
CREATE INDEX audit_log_workspace ON audit_log (workspace_id, id) WHERE workspace_id IS NOT NULL;
CREATE INDEX audit_log_token ON audit_log (token_prefix, id) WHERE token_prefix IS NOT NULL;

-- Each instance of a service that is running, by its own announcement. One that was killed grows old and goes.
CREATE TABLE service_instances (
    instance        text PRIMARY KEY,
    service         text NOT NULL,
    version         text NOT NULL,
    started_at      timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL DEFAULT now(),
    address         text NOT NULL,
    is_ready        boolean NOT NULL,
    not_ready_since timestamptz,
    dependencies    json NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);
