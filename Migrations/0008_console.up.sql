-- Where a workspace stands on the console's canvas.
CREATE TABLE canvas_layouts (
    workspace_id uuid PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
    x            double precision NOT NULL DEFAULT 0,
    y            double precision NOT NULL DEFAULT 0,
    collapsed    boolean NOT NULL DEFAULT false
);

-- Files that went through a chat. The bytes are in the container or in the file store, under stored_name.
CREATE TABLE chat_files (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    stored_name  text NOT NULL,
    name         text NOT NULL,
    mime_type    text NOT NULL DEFAULT 'application/octet-stream',
    size         bigint NOT NULL CHECK (size >= 0),
    storage      text NOT NULL DEFAULT 'store' CHECK (storage IN ('container', 'store')),
    created_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (workspace_id, stored_name)
);
