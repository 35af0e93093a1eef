SET LOCAL lock_timeout = '5s';

ALTER TABLE idempotent_sends DROP COLUMN response_bytes;
ALTER TABLE a2a_queue DROP COLUMN response_bytes;
