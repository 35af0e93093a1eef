-- Messages that were accepted (202) and wait for their target. A row leaves queued and dispatched only for completed,
-- failed or dropped. No foreign key: a key check would lock the target's row on each insert and would not see
-- its removal, which is an update. The claim joins workspaces, and whoever removes a workspace drops its items.
CREATE TABLE a2a_queue (
    id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    workspace_id        uuid NOT NULL,
    -- The workspace that sent it; NULL for a person or a schedule.
    caller_id           uuid,
    priority            smallint NOT NULL DEFAULT 50,
    method              text NOT NULL DEFAULT 'message/send',
    -- The JSON-RPC request and the agent's answer, as they came.
    body                text NOT NULL,
    response            text,
    response_status     integer,
    status              text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'dispatched', 'completed', 'dropped', 'failed')),
    -- Counted outcomes only: certain non-delivery does not count.
    attempts            integer NOT NULL DEFAULT 0,
    available_at        timestamptz NOT NULL DEFAULT now(),
    -- It met a busy or failing target: not before that target's next heartbeat with room clears this.
    waits_for_heartbeat boolean NOT NULL DEFAULT false,
    lease_owner         text,
    lease_until         timestamptz,
    -- Fencing: counts the claims; only the holder of the current one may finish the item.
    claim_number        bigint NOT NULL DEFAULT 0,
    expires_at          timestamptz NOT NULL DEFAULT now() + interval '7 days',
    -- The messageId.
    idempotency_key     text,
    -- Items of one target and context go one at a time, in order.
    context_id          text,
    delegation_id       uuid,
    schedule_id         uuid,
    -- Bytes were written and the answer was lost: the agent may have seen it.
    delivery_uncertain  boolean NOT NULL DEFAULT false,
    last_error          text,
    traceparent         text,
    enqueued_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    dispatched_at       timestamptz,
    completed_at        timestamptz,
    CHECK (status <> 'dispatched' OR (lease_owner IS NOT NULL AND lease_until IS NOT NULL))
) WITH (
    fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0
);

CREATE UNIQUE INDEX a2a_queue_idempotency ON a2a_queue (workspace_id, idempotency_key)
    WHERE status IN ('queued', 'dispatched') AND idempotency_key IS NOT NULL;
CREATE INDEX a2a_queue_claim ON a2a_queue (workspace_id, priority DESC, enqueued_at, id) WHERE status = 'queued';
-- Items that a timer, not a heartbeat, makes available.
CREATE INDEX a2a_queue_timer ON a2a_queue (available_at) WHERE status = 'queued' AND NOT waits_for_heartbeat;
-- What runs: counted against the target's room, and searched for leases that ran out. lease_until is left out so that
-- extending a lease stays a HOT update; there are never more of these rows than calls in flight.
CREATE INDEX a2a_queue_running ON a2a_queue (workspace_id) WHERE status = 'dispatched';
CREATE INDEX a2a_queue_context ON a2a_queue (workspace_id, context_id, enqueued_at)
    WHERE status IN ('queued', 'dispatched') AND context_id IS NOT NULL;
CREATE INDEX a2a_queue_expiry ON a2a_queue (expires_at) WHERE status = 'queued';
-- Retention.
CREATE INDEX a2a_queue_age ON a2a_queue USING brin (enqueued_at) WITH (pages_per_range = 32);

-- Idempotency-Key: the outcome of a send, for 24 h. Written only for requests that carry the header.
CREATE TABLE idempotent_sends (
    -- The calling workspace's id, or 'console'.
    caller        text NOT NULL,
    target_id     uuid NOT NULL,
    key           text NOT NULL,
    body_hash     bytea NOT NULL CHECK (octet_length(body_hash) = 32),
    status        text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done')),
    -- While running: the instance that does, and until when it is believed to.
    lease_owner   text,
    lease_until   timestamptz,
    response_status integer,
    response_type text,
    response_body text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL DEFAULT now() + interval '24 hours',
    PRIMARY KEY (caller, target_id, key)
);

CREATE INDEX idempotent_sends_expiry ON idempotent_sends (expires_at);
