SET LOCAL lock_timeout = '5s';

ALTER TABLE a2a_queue
    -- When it last came back from its target undelivered: it goes behind what waited then. NULL for its first place.
    ADD COLUMN requeued_at timestamptz,
    -- Not before this, whatever its target reports: the agent's own Retry-After, or the pause after a failure.
    ADD COLUMN held_until timestamptz,
    -- Certain non-deliveries, which are no attempts, and the time that they went on for.
    ADD COLUMN refusals integer NOT NULL DEFAULT 0,
    ADD COLUMN refused_seconds double precision NOT NULL DEFAULT 0,
    -- How often it reached its agent, or may have: the next delivery is a repetition if this is not 0.
    ADD COLUMN deliveries integer NOT NULL DEFAULT 0,
    -- It carries a delegation whose first dispatch is still to be made, or being made.
    ADD COLUMN first_dispatch boolean NOT NULL DEFAULT false;

UPDATE a2a_queue SET deliveries = greatest(attempts, 1)
WHERE status IN ('queued', 'dispatched', 'failed') AND (attempts > 0 OR delivery_uncertain);

UPDATE a2a_queue q SET first_dispatch = true FROM delegations d
WHERE d.id = q.delegation_id AND d.status IN ('pending', 'dispatched') AND NOT d.recorded
    AND q.status IN ('queued', 'dispatched');

DROP INDEX a2a_queue_claim;
CREATE INDEX a2a_queue_claim ON a2a_queue (workspace_id, priority DESC, (coalesce(requeued_at, enqueued_at)), id)
    WHERE status = 'queued';
-- What comes after everything else for a while, since it has just been refused.
CREATE INDEX a2a_queue_requeued ON a2a_queue (workspace_id, requeued_at, id)
    WHERE status = 'queued' AND requeued_at IS NOT NULL;
CREATE INDEX a2a_queue_first ON a2a_queue (workspace_id, priority DESC, (coalesce(requeued_at, enqueued_at)), id)
    WHERE status = 'queued' AND first_dispatch;
-- What a timer releases beside a2a_queue_timer.
CREATE INDEX a2a_queue_held ON a2a_queue (held_until) WHERE status = 'queued' AND held_until IS NOT NULL;
