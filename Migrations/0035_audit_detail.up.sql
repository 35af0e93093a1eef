SET LOCAL lock_timeout = '5s';

-- What a request for many did: its filter and its counts, as JSON. Written with the status. As text, since JSON may have
-- characters that jsonb has no room for, and nothing looks into it.
ALTER TABLE audit_log ADD COLUMN detail text CHECK (octet_length(detail) <= 4096);
