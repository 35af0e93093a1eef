-- The outbox and the log in one: a durable event is a row here in the transaction of the change it reports.
-- No foreign key to workspaces: events outlive a purge, and an insert must not lock the workspace's row.
CREATE TABLE structure_events (
    -- Order of insertion, not of commit. A reader that must miss nothing reads only rows whose transaction_id is below
    -- pg_snapshot_xmin(pg_current_snapshot()).
    sequence       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id             uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    type           text NOT NULL,
    -- NULL for events about the platform itself.
    workspace_id   uuid,
    source         text NOT NULL,
    data           json NOT NULL DEFAULT '{}',
    traceparent    text,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    created_at     timestamptz NOT NULL DEFAULT now(),
    -- Set after the broker's confirm.
    published_at   timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- What the relays still have to send: empty most of the time.
CREATE INDEX structure_events_unpublished ON structure_events (sequence) WHERE published_at IS NULL;
-- Resuming the stream of one workspace.
CREATE INDEX structure_events_workspace ON structure_events (workspace_id, sequence);
-- Following the log: in the order in which rows become readable for good.
CREATE INDEX structure_events_log ON structure_events (transaction_id, sequence);
-- Pruning by age: rows arrive in order of time, so a few bytes a megabyte are enough.
CREATE INDEX structure_events_age ON structure_events USING brin (created_at) WITH (pages_per_range = 32);
