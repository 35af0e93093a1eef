DROP INDEX a2a_queue_undelivered;
