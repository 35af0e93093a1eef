DROP TABLE workspace_vitals;
DROP TABLE workspaces;
DROP TYPE workspace_status;
