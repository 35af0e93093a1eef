SET LOCAL lock_timeout = '5s';

-- The fleet as the liveness pass sees it, every 5 s: counted and joined without reading the wide rows. A heartbeat
-- changes none of these columns, so that its updates stay HOT; a change of status was none before either.
CREATE INDEX workspaces_running ON workspaces (id) INCLUDE (external, status_changed_at)
    WHERE status IN ('online', 'degraded');
