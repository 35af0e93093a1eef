DROP TABLE idempotent_sends;
DROP TABLE a2a_queue;
