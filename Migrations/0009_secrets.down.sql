DROP TABLE workspace_secrets;
DROP TABLE global_secrets;
