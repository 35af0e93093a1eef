SET LOCAL lock_timeout = '5s';

-- The A2A-... header fields that a message came with, one a line: they belong to it as its body does.
ALTER TABLE a2a_queue ADD COLUMN protocol_headers text;
