DROP INDEX chat_files_doomed;
DROP INDEX chat_files_pending;
DROP INDEX chat_files_age;
DELETE FROM chat_files f WHERE state <> 'stored' OR NOT EXISTS (SELECT FROM workspaces w WHERE w.id = f.workspace_id);
ALTER TABLE chat_files DROP COLUMN held_until;
ALTER TABLE chat_files DROP COLUMN state;
ALTER TABLE chat_files ADD FOREIGN KEY (workspace_id) REFERENCES workspaces (id) ON DELETE CASCADE;
