SET LOCAL lock_timeout = '5s';

-- Which operator sent it, where no workspace did: an org token, a workspace's token at the console of development, or
-- nobody in particular there. NULL for a workspace, for the admin token, and for the platform's own.
ALTER TABLE a2a_queue ADD COLUMN operator_key text;

-- The same messageId of two callers is two messages.
CREATE UNIQUE INDEX a2a_queue_message ON a2a_queue (workspace_id, idempotency_key, caller_id, operator_key)
    NULLS NOT DISTINCT WHERE status IN ('queued', 'dispatched') AND idempotency_key IS NOT NULL;
DROP INDEX a2a_queue_idempotency;

ALTER TABLE idempotent_sends
    -- How often it was begun: what follows the first run is perhaps a repetition.
    ADD COLUMN runs integer NOT NULL DEFAULT 1,
    -- The messageId of a message that came without: every run's, so that the agent can tell.
    ADD COLUMN message_id text;
