-- Starting, stopping and removing containers is durable work: asked for in the transaction that changes the status,
-- done by whoever claims it, and surviving the client, the service and (no foreign key) the purge of the workspace.
CREATE TABLE lifecycle_jobs (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    workspace_id  uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('start', 'restart', 'stop', 'remove')),
    -- Only for remove: the volume goes after its container has really stopped.
    remove_volume boolean NOT NULL DEFAULT false,
    reason        text,
    attempts      integer NOT NULL DEFAULT 0,
    available_at  timestamptz NOT NULL DEFAULT now(),
    lease_owner   text,
    lease_until   timestamptz,
    claim_number  bigint NOT NULL DEFAULT 0,
    last_error    text,
    traceparent   text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    completed_at  timestamptz
);

-- At most one start or restart of a workspace at a time, in the whole fleet of services.
CREATE UNIQUE INDEX lifecycle_jobs_one_start ON lifecycle_jobs (workspace_id)
    WHERE completed_at IS NULL AND kind IN ('start', 'restart');
CREATE UNIQUE INDEX lifecycle_jobs_one_stop ON lifecycle_jobs (workspace_id, kind)
    WHERE completed_at IS NULL AND kind IN ('stop', 'remove');
CREATE INDEX lifecycle_jobs_open ON lifecycle_jobs (available_at) WHERE completed_at IS NULL;
