DROP TABLE chat_files;
DROP TABLE canvas_layouts;
