SET LOCAL lock_timeout = '5s';

-- The bodies of the durable events that statements write: each is made here and nowhere else, and read by the type of the
-- same name in Contracts (`EventBodyTests` decodes what each function makes). A member that is NULL is left out, unless it
-- says otherwise.
--
-- STABLE, as what they call is: the planner then puts their expressions in the place of the call. The two that every
-- message of the queue needs make their usual form of a row type, which costs a third of leaving members out afterwards.

CREATE TYPE event_a2a_queued_body AS (queue_id uuid, caller_id uuid, queue_depth bigint, method text);
CREATE TYPE event_a2a_queued_delegation_body AS (
    queue_id uuid, caller_id uuid, queue_depth bigint, method text, delegation_id uuid);
CREATE TYPE event_a2a_outcome_body AS (queue_id uuid, attempts integer);

-- `caller_id` is null for a person.
CREATE FUNCTION event_a2a_queued(queue_id uuid, caller_id uuid, queue_depth bigint, method text, delegation_id uuid)
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN delegation_id IS NULL THEN row_to_json(ROW(queue_id, caller_id, queue_depth, method)::event_a2a_queued_body)
    ELSE row_to_json(
        ROW(queue_id, caller_id, queue_depth, method, delegation_id)::event_a2a_queued_delegation_body) END;

CREATE FUNCTION event_a2a_outcome(
    queue_id uuid, attempts integer, error text, delegation_id uuid DEFAULT NULL, schedule_id uuid DEFAULT NULL)
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN error IS NULL AND delegation_id IS NULL AND schedule_id IS NULL
    THEN row_to_json(ROW(queue_id, attempts)::event_a2a_outcome_body)
    ELSE json_strip_nulls(json_build_object(
        'queue_id', queue_id, 'attempts', attempts, 'error', error, 'delegation_id', delegation_id,
        'schedule_id', schedule_id)) END;

-- The response is told of a completed delegation only, the error of a failed one.
CREATE FUNCTION event_delegation(
    delegation_id uuid, target_id uuid, status text, task text DEFAULT NULL, response text DEFAULT NULL,
    error text DEFAULT NULL, via text DEFAULT NULL)
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_strip_nulls(json_build_object(
    'delegation_id', delegation_id, 'target_id', target_id, 'status', status, 'task_preview', left(task, 100),
    'response_preview', CASE WHEN status = 'completed' THEN left(coalesce(response, ''), 200) END,
    'error', CASE WHEN status = 'failed' THEN coalesce(error, '') END, 'via', via));

CREATE FUNCTION event_workspace_provisioning(name text, tier integer, runtime text)
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_strip_nulls(json_build_object('name', name, 'tier', tier, 'runtime', runtime));

CREATE FUNCTION event_workspace_provision_failed(error text, source text, runtime text)
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_strip_nulls(json_build_object('error', error, 'source', source, 'runtime', runtime));

-- Where it is reached, or the status that a heartbeat brought it back from.
CREATE FUNCTION event_workspace_online(url text DEFAULT NULL, recovered_from text DEFAULT NULL)
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_strip_nulls(json_build_object('url', url, 'recovered_from', recovered_from));

CREATE FUNCTION event_workspace_offline(reason text)
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_strip_nulls(json_build_object('reason', reason));

CREATE FUNCTION event_workspace_awaiting_agent(name text, external boolean)
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_strip_nulls(json_build_object('name', name, 'external', external));

-- Paused, hibernated or removed, this with the number of descendants that were removed with it.
CREATE FUNCTION event_workspace_stopped(name text, cascade_deleted bigint DEFAULT NULL)
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_strip_nulls(json_build_object('name', name, 'cascade_deleted', cascade_deleted));

CREATE FUNCTION event_workspace_updated(name text, fields text[])
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_strip_nulls(json_build_object('name', name, 'fields', fields));

-- It has another address; its parent is the same.
CREATE FUNCTION event_workspace_moved()
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
RETURN '{}'::json;

-- Without an id: all of the workspace's.
CREATE FUNCTION event_token_revoked(token_id uuid DEFAULT NULL, kind text DEFAULT NULL)
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE
RETURN json_strip_nulls(json_build_object('token_id', token_id, 'kind', kind));
