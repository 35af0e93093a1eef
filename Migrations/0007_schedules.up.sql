CREATE TABLE workspace_schedules (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    name         text NOT NULL DEFAULT '',
    cron_expr    text NOT NULL,
    timezone     text NOT NULL DEFAULT 'UTC',
    prompt       text NOT NULL,
    enabled      boolean NOT NULL DEFAULT true,
    source       text NOT NULL DEFAULT 'runtime' CHECK (source IN ('template', 'runtime')),
    last_run_at  timestamptz,
    next_run_at  timestamptz,
    run_count    bigint NOT NULL DEFAULT 0,
    last_status  text CHECK (last_status IN ('ok', 'error', 'skipped', 'stale')),
    last_error   text,
    -- Empty answers in a row: three make it stale.
    empty_runs   integer NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
) WITH (
    fillfactor = 85,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_threshold = 500
);

-- A name is unique in its workspace; several may go without one.
CREATE UNIQUE INDEX workspace_schedules_name ON workspace_schedules (workspace_id, name) WHERE name <> '';
CREATE INDEX workspace_schedules_workspace ON workspace_schedules (workspace_id, created_at);
-- The claim of what is due.
CREATE INDEX workspace_schedules_due ON workspace_schedules (next_run_at) WHERE enabled AND next_run_at IS NOT NULL;
