SET LOCAL lock_timeout = '5s';

DROP FUNCTION a2a_queue_logged(jsonb, text, text, integer);
ALTER TABLE a2a_queue DROP COLUMN attempts_log;
