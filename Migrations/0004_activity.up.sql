-- The feed: append-only, written in batches by COPY. One index serves reading newest first and paging by
-- (created_at, id). No foreign key, for the same reasons as structure_events; a purge deletes by workspace.
CREATE TABLE activity_logs (
    id            uuid NOT NULL DEFAULT gen_random_uuid(),
    workspace_id  uuid NOT NULL,
    activity_type text NOT NULL CHECK (activity_type IN (
        'a2a_send', 'a2a_receive', 'task_update', 'agent_log', 'skill_promotion', 'memory_write', 'error',
        'delegation', 'cron_run')),
    -- NULL: a person typed it, or a schedule fired it (then schedule_id is set).
    source_id     uuid,
    target_id     uuid,
    method        text,
    summary       text,
    -- json and not jsonb: passed through as they came, checked for syntax only.
    request_body  json,
    response_body json,
    status        text NOT NULL DEFAULT 'ok',
    duration_ms   bigint,
    error_detail  text,
    tool_trace    json,
    input_tokens  bigint,
    output_tokens bigint,
    schedule_id   uuid,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (workspace_id, created_at, id)
);

-- A schedule's history.
CREATE INDEX activity_logs_schedule ON activity_logs (schedule_id, created_at) WHERE schedule_id IS NOT NULL;
CREATE INDEX activity_logs_age ON activity_logs USING brin (created_at) WITH (pages_per_range = 32);
