"""nginx as the agent that answers at once, and as the proxy to compare with."""

from .processes import Server, pinned
from .stack import free_port

ANSWER = (
    '{"jsonrpc":"2.0","id":"1","result":{"kind":"message","role":"agent","messageId":"answer",'
    '"parts":[{"kind":"text","text":"done"}]}}')


class Nginx(Server):
    """One nginx on a port of its own.

    `site` is what its server block holds, `upstream` what stands before that, `main` what is outside of HTTP.
    """

    def __init__(self, stack, name: str, workers: int, site: str, upstream: str = "", main: str = "",
                 cores: str | None = None):
        self.port = free_port()
        home = stack.folder / name
        home.mkdir(parents=True, exist_ok=True)
        configuration = home / "nginx.conf"
        configuration.write_text(f"""
{main}
worker_processes {workers};
daemon off;
pid {home}/nginx.pid;
error_log stderr error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    tcp_nodelay on;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    client_body_buffer_size 64k;
    {upstream}
    server {{
        listen 127.0.0.1:{self.port} reuseport backlog=4096;
        location = /ready {{ return 200 'ready'; }}
        {site}
    }}
}}
""")
        super().__init__(
            name, pinned([stack.nginx, "-e", "stderr", "-p", str(home), "-c", str(configuration)], cores),
            stack.logs / f"{name}.log")
        self.wait_for(f"http://127.0.0.1:{self.port}/ready")


def agent(stack, cores: str | None) -> Nginx:
    """An agent that answers every message at once, but those under /busy with 503."""
    return Nginx(stack, "agent", 1, f"""
        location / {{ default_type application/json; return 200 '{ANSWER}'; }}
        location /busy {{ default_type application/json; return 503 '{{"error":"busy"}}'; }}
        """, cores=cores)


def proxy(stack, workers: int, port: int, cores: str | None) -> Nginx:
    """proxy_pass with connections to the upstream that are kept."""
    return Nginx(
        stack, "nginx-proxy", workers, """
        location / { proxy_pass http://agent; proxy_http_version 1.1; proxy_set_header Connection ""; }
        """, upstream=f"""
    upstream agent {{ server 127.0.0.1:{port}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 600s; }}
    """, cores=cores)
