SET LOCAL lock_timeout = '5s';

ALTER TABLE a2a_queue DROP COLUMN protocol_headers;
