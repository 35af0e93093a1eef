SET LOCAL lock_timeout = '5s';

-- A row outlives its workspace until its bytes are gone: without it nobody would know of them.
ALTER TABLE chat_files DROP CONSTRAINT chat_files_workspace_id_fkey;

-- The row is there before the bytes and after them: 'pending' until they are durable, 'doomed' until they are removed.
ALTER TABLE chat_files ADD COLUMN state text NOT NULL DEFAULT 'stored' CHECK (state IN ('pending', 'stored', 'doomed'));
-- Until when nobody else is to remove the bytes: one instance is at it, or a write may still arrive.
ALTER TABLE chat_files ADD COLUMN held_until timestamptz;

CREATE INDEX chat_files_age ON chat_files (created_at) WHERE state = 'stored';
CREATE INDEX chat_files_pending ON chat_files (created_at) WHERE state = 'pending';
CREATE INDEX chat_files_doomed ON chat_files (id) WHERE state = 'doomed';
