SET LOCAL lock_timeout = '5s';

-- No operator created it: its agent registered an id of its own, which development allows. It gets no secrets of all.
ALTER TABLE workspaces ADD COLUMN self_registered boolean NOT NULL DEFAULT false;

-- What was created has the event of its creation; what is left came into being by a registration.
UPDATE workspaces w SET self_registered = true
WHERE NOT external AND NOT EXISTS (
    SELECT FROM structure_events e WHERE e.workspace_id = w.id
        AND e.type IN ('workspace.provisioning', 'workspace.provision_failed', 'workspace.awaiting_agent'));
