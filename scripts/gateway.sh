# shellcheck shell=bash
# nginx as the gateway: its configuration is compose/'s, with our ports.

NGINX_HOME=$STATE/nginx

# One upstream a service with all its instances. A failed instance is tried again after a second.
write_upstreams() {
    local service instance
    for service in "${SERVICES[@]}"; do
        printf 'upstream %s {\n    zone %s 64k;\n    least_conn;\n' "$service" "$service"
        for instance in $(instances_of "$service"); do
            printf '    server 127.0.0.1:%s max_fails=1 fail_timeout=1s;\n' "$(service_port "$instance")"
        done
        printf '    keepalive 64;\n    keepalive_requests 1000000;\n}\n'
    done
}

write_gateway_configuration() {
    local user=''
    # Workers of a root master run as nobody otherwise, who cannot reach a checkout in root's home.
    if ((EUID == 0)); then user='user root;'; fi
    mkdir -p "$NGINX_HOME"
    sed -e "s|@RUN@|$NGINX_HOME|" -e "s|@WORKERS@|auto|" -e "s|@USER@|$user|" -e "s|@PORT@|$PORT|" \
        "$ROOT/compose/nginx.conf" >"$NGINX_HOME/nginx.conf"
    cp "$ROOT/compose/routes.conf" "$ROOT/compose/refusals.conf" "$ROOT/compose/gateway.conf" "$NGINX_HOME/"
    write_upstreams >"$NGINX_HOME/upstreams.conf"
}

nginx_program() { command -v nginx || printf '/usr/sbin/nginx'; }

start_gateway() {
    write_gateway_configuration
    if is_alive gateway; then
        # Other instances than before: the running gateway reads its configuration again.
        kill -HUP "$(pid_of gateway)"
        return
    fi
    local started
    started=$(now_ms)
    start_process gateway "$(nginx_program)" -e stderr -p "$NGINX_HOME" -c "$NGINX_HOME/nginx.conf"
    wait_until gateway 10 accepts_connections "$PORT"
    step_done "gateway on port $PORT" "$started"
}

# Whether nginx takes the configuration, without starting anything.
check_gateway() {
    # Seen by the function that writes it: the running gateway's files stay as they are.
    local NGINX_HOME=$STATE/nginx-check SCALE='a2a-proxy=2'
    default_settings
    write_gateway_configuration
    "$(nginx_program)" -t -q -e stderr -p "$NGINX_HOME" -c "$NGINX_HOME/nginx.conf"
}
