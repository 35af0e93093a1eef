-- Work one workspace gave to another, written together with its queue item before the 202.
CREATE TABLE delegations (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    source_id        uuid NOT NULL,
    target_id        uuid NOT NULL,
    task             text NOT NULL,
    idempotency_key  text,
    status           text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'dispatched', 'queued', 'completed', 'failed')),
    -- The agent sent it itself; the platform only keeps the record.
    recorded         boolean NOT NULL DEFAULT false,
    queue_id         uuid,
    -- Tries of the first dispatch (two at most), before the item counts as queued.
    first_attempts   smallint NOT NULL DEFAULT 0,
    response         text,
    response_preview text,
    error            text,
    -- 'queue_drain' when the result came out of the queue.
    via              text,
    traceparent      text,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When the second entry of the list, the result, came to be (also while queued).
    result_at        timestamptz,
    completed_at     timestamptz,
    CHECK (source_id <> target_id)
) WITH (fillfactor = 85);

-- A key is free again once its delegation failed.
CREATE UNIQUE INDEX delegations_idempotency ON delegations (source_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL AND status <> 'failed';
CREATE INDEX delegations_source ON delegations (source_id, created_at DESC, id);
CREATE INDEX delegations_target ON delegations (target_id) WHERE status IN ('pending', 'dispatched', 'queued');
CREATE INDEX delegations_age ON delegations USING brin (created_at) WITH (pages_per_range = 32);
