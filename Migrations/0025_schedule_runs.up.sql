SET LOCAL lock_timeout = '5s';

ALTER TABLE workspace_schedules
    -- What becomes of a slot while the run before it still waits or runs: it is left out, or waits behind it.
    ADD COLUMN overlap text NOT NULL DEFAULT 'skip' CHECK (overlap IN ('skip', 'queue')),
    -- What becomes of slots that passed while nothing could fire: one run for all of them, or none.
    ADD COLUMN missed text NOT NULL DEFAULT 'once' CHECK (missed IN ('once', 'skip')),
    -- The slot that could not be fired: next_run_at is when it is looked at again.
    ADD COLUMN put_off_from timestamptz;

-- When the workspace was last resumed: slots before that fire nothing.
ALTER TABLE workspaces ADD COLUMN schedules_from timestamptz;

ALTER TABLE a2a_queue
    -- A run of a schedule that has ended, and whose end is in the schedule's history.
    ADD COLUMN run_recorded boolean NOT NULL DEFAULT false,
    -- A run that somebody asked for, which is not a slot of its schedule.
    ADD COLUMN run_is_manual boolean NOT NULL DEFAULT false;

-- Whether a schedule's run still waits or runs.
CREATE INDEX a2a_queue_runs ON a2a_queue (schedule_id)
    WHERE schedule_id IS NOT NULL AND status IN ('queued', 'dispatched');
-- Runs whose end is still to be recorded: empty most of the time.
CREATE INDEX a2a_queue_ended_runs ON a2a_queue (completed_at, id)
    WHERE schedule_id IS NOT NULL AND NOT run_recorded AND status IN ('completed', 'dropped', 'failed');

-- The name's index serves what this one served.
DROP INDEX workspace_schedules_workspace;
DROP INDEX workspace_schedules_name;
CREATE UNIQUE INDEX workspace_schedules_name ON workspace_schedules (workspace_id, name, (CASE WHEN name = '' THEN id END))
    NULLS NOT DISTINCT;

-- Schedules whose first slot is still to be computed: those that came with a template.
CREATE INDEX workspace_schedules_unplanned ON workspace_schedules (id) WHERE enabled AND next_run_at IS NULL;
