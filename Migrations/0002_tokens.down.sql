DROP TABLE console_sessions;
DROP TABLE org_api_tokens;
DROP TABLE workspace_auth_tokens;
