SET LOCAL lock_timeout = '5s';

-- The peers of a workspace by name, a page at a time: all roots of a large fleet are each other's. Of a name as much as
-- fits into an index, whatever was let in as one.
CREATE INDEX workspaces_siblings ON workspaces (parent_id, left(name, 200), id) WHERE status <> 'removed';
