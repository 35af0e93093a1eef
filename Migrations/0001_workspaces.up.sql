-- The fleet: who exists (workspaces) and how it is doing right now (workspace_vitals). They are two tables because a
-- heartbeat rewrites the second every 30 s and must not touch the wide, indexed first.

CREATE TYPE workspace_status AS ENUM (
    'provisioning', 'online', 'offline', 'degraded', 'failed', 'removed', 'paused', 'hibernating', 'hibernated',
    'awaiting_agent'
);

CREATE TABLE workspaces (
    id                       uuid PRIMARY KEY,
    name                     text NOT NULL,
    role                     text,
    tier                     integer NOT NULL DEFAULT 3,
    runtime                  text NOT NULL DEFAULT 'langgraph',
    model                    text,
    template                 text,
    status                   workspace_status NOT NULL DEFAULT 'provisioning',
    -- Why it is in this status, in a sentence that a client may see: the banner of a degraded or failed workspace.
    status_reason            text,
    status_changed_at        timestamptz NOT NULL DEFAULT now(),
    -- Where it is reached. The agent's own address is kept in internal_url when the provisioner's stands in url.
    url                      text,
    internal_url             text,
    -- The url was set by our own provisioner: exempt from the loopback and private address rules, from no other.
    url_provisioned          boolean NOT NULL DEFAULT false,
    forwarded_to             uuid REFERENCES workspaces (id) ON DELETE SET NULL,
    agent_card               json,
    -- NO ACTION on purpose: a purge deletes a whole subtree in one statement, which passes; a child silently turned
    -- into a root would gain the right to talk to every other root.
    parent_id                uuid REFERENCES workspaces (id),
    external                 boolean NOT NULL DEFAULT false,
    workspace_dir            text,
    workspace_access         text NOT NULL DEFAULT 'none'
        CHECK (workspace_access IN ('none', 'read_only', 'read_write')),
    -- Cents. No ceiling when NULL.
    budget_limit             bigint CHECK (budget_limit >= 0),
    monthly_spend            bigint NOT NULL DEFAULT 0 CHECK (monthly_spend >= 0),
    max_concurrent_tasks     integer NOT NULL DEFAULT 1 CHECK (max_concurrent_tasks >= 1),
    -- Never hibernated for being idle when NULL or 0.
    hibernation_idle_minutes integer CHECK (hibernation_idle_minutes >= 0),
    created_at               timestamptz NOT NULL DEFAULT now(),
    updated_at               timestamptz NOT NULL DEFAULT now(),
    removed_at               timestamptz,
    CHECK (parent_id <> id),
    CHECK (forwarded_to <> id)
) WITH (fillfactor = 85);

CREATE INDEX workspaces_parent ON workspaces (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX workspaces_forwarded ON workspaces (forwarded_to) WHERE forwarded_to IS NOT NULL;
-- Paging the list by key (newest last) without reading what came before.
CREATE INDEX workspaces_created ON workspaces (created_at, id);
-- The provisioning timeout looks at nothing but the few that are being provisioned.
CREATE INDEX workspaces_provisioning ON workspaces (status_changed_at) WHERE status = 'provisioning';

-- One row a workspace, made with it. No index but the key, and room in each page for a second version of all its rows
-- (agents that started together beat together): every heartbeat is a HOT update in the same page.
CREATE TABLE workspace_vitals (
    workspace_id            uuid PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
    last_heartbeat_at       timestamptz,
    -- Any authenticated request of the workspace, moved on at most once in 15 s.
    last_seen_at            timestamptz,
    last_outbound_at        timestamptz,
    last_inbound_at         timestamptz,
    -- When a call to it last ended as busy: no room until last_heartbeat_at is later.
    last_busy_at            timestamptz,
    active_tasks            integer NOT NULL DEFAULT 0,
    active_tasks_changed_at timestamptz NOT NULL DEFAULT now(),
    current_task            text NOT NULL DEFAULT '',
    current_task_changed_at timestamptz,
    uptime_seconds          bigint NOT NULL DEFAULT 0,
    error_rate              double precision NOT NULL DEFAULT 0,
    sample_error            text NOT NULL DEFAULT '',
    runtime_state           text NOT NULL DEFAULT '',
    -- Overrides from runtime_metadata; cleared when runtime_metadata_at is 90 s behind last_heartbeat_at.
    -- Bits: 1 heartbeat, 2 scheduler, 4 session, 8 status_mgmt, 16 retry, 32 activity_decoration, 64 channel_dispatch.
    capabilities            smallint NOT NULL DEFAULT 0,
    idle_timeout_seconds    integer CHECK (idle_timeout_seconds > 0),
    runtime_metadata_at     timestamptz
) WITH (
    fillfactor = 45,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.2
);
