SET LOCAL lock_timeout = '5s';

-- What heartbeats said before their texts were cut: it stands in every list until the next beat of a workspace, and those
-- that are gone never beat again.
UPDATE workspace_vitals SET
    current_task = left(current_task, 1000), sample_error = left(sample_error, 2000),
    runtime_state = left(runtime_state, 100)
WHERE octet_length(current_task) > 1000 OR octet_length(sample_error) > 2000 OR octet_length(runtime_state) > 100;
