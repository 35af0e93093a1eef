-- What was cut off is gone, and nothing else was changed.
SELECT 1;
