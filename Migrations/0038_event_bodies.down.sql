SET LOCAL lock_timeout = '5s';

DROP FUNCTION event_token_revoked, event_workspace_moved, event_workspace_updated, event_workspace_stopped,
    event_workspace_awaiting_agent, event_workspace_offline, event_workspace_online, event_workspace_provision_failed,
    event_workspace_provisioning, event_delegation, event_a2a_outcome, event_a2a_queued;
DROP TYPE event_a2a_outcome_body, event_a2a_queued_delegation_body, event_a2a_queued_body;
