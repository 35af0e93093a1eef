SET LOCAL lock_timeout = '5s';

DROP INDEX workspaces_running;
