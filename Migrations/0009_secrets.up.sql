-- What agents need in their environment, encrypted with AES-256-GCM: nonce, ciphertext and tag in one value, and the
-- version of its layout and key beside it.
CREATE TABLE global_secrets (
    key             text PRIMARY KEY CHECK (key ~ '^[A-Za-z_][A-Za-z0-9_]*$'),
    encrypted_value bytea NOT NULL,
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE workspace_secrets (
    workspace_id    uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    key             text NOT NULL CHECK (key ~ '^[A-Za-z_][A-Za-z0-9_]*$'),
    encrypted_value bytea NOT NULL,
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, key)
);
