SET LOCAL lock_timeout = '5s';

-- What stands in pieces of the feed, for searches: of each piece, which short runs of bytes occur in it. The pieces of a
-- workspace lie next to each other, from the oldest on; what is above the last of them is read as a whole.
CREATE TABLE activity_blocks (
    workspace_id uuid NOT NULL,
    -- The first row of the piece, and the one behind its last, in the order of (created_at, id).
    lower_at     timestamptz NOT NULL,
    lower_id     uuid NOT NULL,
    upper_at     timestamptz NOT NULL,
    upper_id     uuid NOT NULL,
    -- A Bloom filter of one hash function: bit n is bit n % 8 of byte n / 8.
    filter       bytea NOT NULL CHECK (octet_length(filter) BETWEEN 1024 AND 131072),
    -- Two indexers that come to the same piece: one of them is too late.
    PRIMARY KEY (workspace_id, lower_at, lower_id),
    CHECK ((lower_at, lower_id) < (upper_at, upper_id))
);

-- As it is, so that one byte can be read without the others.
ALTER TABLE activity_blocks ALTER COLUMN filter SET STORAGE EXTERNAL;

CREATE INDEX activity_blocks_age ON activity_blocks (upper_at);
