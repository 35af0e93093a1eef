SET LOCAL lock_timeout = '5s';

-- A row that comes into a piece of the feed that has its filter already, from a process that stood still or whose clock is
-- behind: its filter has whatever is asked for from now on.
CREATE FUNCTION open_activity_block() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    open constant bytea := decode(repeat('ff', 1024), 'hex');
BEGIN
    UPDATE activity_blocks SET filter = open
    WHERE workspace_id = NEW.workspace_id AND (upper_at, upper_id) > (NEW.created_at, NEW.id)
        AND (lower_at, lower_id) = (
            SELECT lower_at, lower_id FROM activity_blocks
            WHERE workspace_id = NEW.workspace_id AND (lower_at, lower_id) <= (NEW.created_at, NEW.id)
            ORDER BY lower_at DESC, lower_id DESC LIMIT 1)
        AND (octet_length(filter) > octet_length(open) OR filter <> open);
    RETURN NULL;
END $$;

-- Filters are made of rows that are an hour old.
CREATE TRIGGER activity_logs_late AFTER INSERT ON activity_logs
FOR EACH ROW WHEN (NEW.created_at < now() - interval '50 minutes') EXECUTE FUNCTION open_activity_block();
