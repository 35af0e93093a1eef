SET LOCAL lock_timeout = '5s';

-- A response in the bytes that came, where a text cannot hold them: a NUL, or no UTF-8. The text beside it has U+FFFD
-- for those. NULL for nearly all, so that no row is rewritten for it, and services of the version before go on.
ALTER TABLE a2a_queue ADD COLUMN response_bytes bytea;
ALTER TABLE idempotent_sends ADD COLUMN response_bytes bytea;
