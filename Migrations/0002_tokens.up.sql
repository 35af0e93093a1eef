-- Credentials. Only SHA-256 hashes are kept: the secrets have 256 bits of their own, so that no salt is needed.

-- Revoked rows stay: a workspace that ever had a token must present a live one.
CREATE TABLE workspace_auth_tokens (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    token_hash   bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    prefix       text NOT NULL CHECK (length(prefix) = 8),
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at   timestamptz
) WITH (fillfactor = 85);

CREATE INDEX workspace_auth_tokens_workspace ON workspace_auth_tokens (workspace_id, created_at DESC, id);

CREATE TABLE org_api_tokens (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id       text,
    name         text NOT NULL DEFAULT '',
    token_hash   bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    prefix       text NOT NULL CHECK (length(prefix) = 8),
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at   timestamptz
);

-- The console's cookie: what an operator's bearer was exchanged for. org_token_id says which org token (NULL: the
-- administrator's), so that revoking it ends its sessions.
CREATE TABLE console_sessions (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_hash bytea NOT NULL UNIQUE CHECK (octet_length(session_hash) = 32),
    org_token_id uuid REFERENCES org_api_tokens (id) ON DELETE CASCADE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL DEFAULT now() + interval '12 hours',
    revoked_at   timestamptz
);

CREATE INDEX console_sessions_org_token ON console_sessions (org_token_id) WHERE org_token_id IS NOT NULL;
CREATE INDEX console_sessions_expiry ON console_sessions (expires_at);
