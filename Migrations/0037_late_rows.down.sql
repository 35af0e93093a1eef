SET LOCAL lock_timeout = '5s';

DROP TRIGGER activity_logs_late ON activity_logs;
DROP FUNCTION open_activity_block;
