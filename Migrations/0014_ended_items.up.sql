-- The items that were not delivered, for whoever looks for what to try again. Few of all that end, and so is its upkeep.
CREATE INDEX a2a_queue_undelivered ON a2a_queue (workspace_id, enqueued_at DESC) WHERE status IN ('failed', 'dropped');
