-- Facts about the platform as a whole, by name: when it started, when ingest last worked, since when the sweeps hold
-- back, the image digests seen.
CREATE TABLE platform_state (
    key        text PRIMARY KEY,
    value      json NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- The last tick of each pass and loop, of whichever instance did it: what /admin/liveness shows.
CREATE TABLE subsystem_ticks (
    name             text PRIMARY KEY,
    instance         text NOT NULL,
    last_tick_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    duration_seconds double precision NOT NULL DEFAULT 0,
    counts           json NOT NULL DEFAULT '{}',
    last_error       text
) WITH (fillfactor = 50);

-- Containers and volumes of ours without a workspace. Acted on only when seen in two passes far enough apart, and
-- volumes only after their retention.
CREATE TABLE orphan_sightings (
    kind          text NOT NULL CHECK (kind IN ('container', 'volume')),
    name          text NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz NOT NULL DEFAULT now(),
    stopped_at    timestamptz,
    PRIMARY KEY (kind, name)
);

-- What the broker gave up delivering, to be listed and replayed. The body is bytes: a poison message may be anything.
CREATE TABLE dead_messages (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id   text,
    type         text,
    exchange     text NOT NULL DEFAULT '',
    routing_key  text NOT NULL DEFAULT '',
    -- The queue it died in, and why ('rejected', 'expired', 'delivery_limit', 'maxlen').
    queue        text,
    reason       text,
    death_count  bigint NOT NULL DEFAULT 1,
    content_type text,
    headers      json NOT NULL DEFAULT '{}',
    body         bytea NOT NULL,
    received_at  timestamptz NOT NULL DEFAULT now(),
    replayed_at  timestamptz,
    replay_count integer NOT NULL DEFAULT 0
);

CREATE INDEX dead_messages_message ON dead_messages (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX dead_messages_age ON dead_messages (received_at);
