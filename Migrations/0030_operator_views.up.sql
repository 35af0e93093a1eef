SET LOCAL lock_timeout = '5s';

-- What went wrong with an item, newest last: refusals, failures, lost answers and retries, 30 at most. NULL for what was
-- delivered at once, which is nearly all; the rest of its story is in its other columns.
ALTER TABLE a2a_queue ADD COLUMN attempts_log jsonb;

-- The log with one entry more. Called from the statements that change the item's row anyhow.
CREATE FUNCTION a2a_queue_logged(log jsonb, kind text, error text, status integer) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE WHEN jsonb_array_length(coalesce(log, '[]')) >= 30 THEN log - 0 ELSE coalesce(log, '[]') END
        || jsonb_build_array(jsonb_build_object('at', extract(epoch FROM clock_timestamp()), 'kind', kind,
            'error', left(error, 300), 'status', status))
$$;
