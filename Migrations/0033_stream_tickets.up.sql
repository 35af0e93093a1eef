SET LOCAL lock_timeout = '5s';

-- What opens one stream where no header can be set: kept until it is used, for a minute at most.
CREATE TABLE stream_tickets (
    -- SHA-256 of the ticket.
    ticket_hash  bytea PRIMARY KEY CHECK (octet_length(ticket_hash) = 32),
    -- SHA-256 of the token that it was made from; empty for the administrator's, and for nobody's in development.
    token_hash   bytea NOT NULL CHECK (octet_length(token_hash) IN (0, 32)),
    -- Of ADMIN_TOKEN: SHA-256 of the ticket and of the token's hash, which only who has both can make.
    admin_digest bytea CHECK (octet_length(admin_digest) = 32),
    -- What it shows: of one workspace, or of all; of these types, or of all.
    workspace_id uuid,
    types        text[] NOT NULL,
    expires_at   timestamptz NOT NULL
);

CREATE INDEX stream_tickets_token ON stream_tickets (token_hash, expires_at);
CREATE INDEX stream_tickets_expiry ON stream_tickets (expires_at);
