# shellcheck shell=bash
# The small fleet of real agents that ./dev up brings, and the walk through the main job.

DEMO_NAMES=(Ada Basil Cleo)
DEMO_AGENTS=(demo-agent-1 demo-agent-2 demo-agent-3)

wanted_agents() {
    if [[ $DEMO == yes ]]; then printf '%s\n' "${DEMO_AGENTS[@]}"; fi
}

agent_port() { printf '%d' $((DEMO_AGENT_PORT + ${1##*-} - 1)); }

# Each agent keeps its identity and its token in a folder of its own, as one on a laptop does.
start_agent() {
    local agent=$1 number=${1##*-} home=$STATE/agents/$1 port
    port=$(agent_port "$agent")
    mkdir -p "$home"
    [[ -s $home/id ]] || cat /proc/sys/kernel/random/uuid >"$home/id"
    # Its token is only good for the database that it came from.
    if [[ $(cat "$home/database" 2>/dev/null) != "$DATABASE_URL" ]]; then
        rm -f "$home/.auth_token"
        (umask 077 && printf '%s' "$DATABASE_URL" >"$home/database")
    fi
    (
        export "WORKSPACE_ID=$(cat "$home/id")" "NAME=${DEMO_NAMES[number - 1]}" "PORT=$port" \
            "AGENT_URL=http://localhost:$port" "PLATFORM_URL=http://127.0.0.1:$GATEWAY_PORT" \
            "ADMIN_TOKEN=$ADMIN_TOKEN" "CONFIGS_DIR=$home" "HEARTBEAT_SECONDS=${HEARTBEAT_SECONDS:-10}"
        start_process "$agent" "$BINARIES/echo-agent"
    )
}

agent_is_online() {
    curl --silent --fail --max-time 2 "http://127.0.0.1:$PORT/workspaces/$(cat "$STATE/agents/$1/id")" |
        grep -q '"status":"online"'
}

# Agents register under their id; people expect a name.
name_agent() {
    local number=${1##*-}
    curl --silent --max-time 2 --output /dev/null --request PATCH \
        ${ADMIN_TOKEN:+--header "Authorization: Bearer $ADMIN_TOKEN"} --header 'Content-Type: application/json' \
        --data "{\"name\":\"${DEMO_NAMES[number - 1]}\"}" \
        "http://127.0.0.1:$PORT/workspaces/$(cat "$STATE/agents/$1/id")" || true
}

start_agents() {
    local agent started
    local missing=()
    started=$(now_ms)
    GATEWAY_PORT=$PORT
    for agent in $(wanted_agents); do
        if ! is_alive "$agent"; then
            start_agent "$agent"
            missing+=("$agent")
        fi
    done
    for agent in ${missing[@]+"${missing[@]}"}; do
        wait_until "$agent" 30 agent_is_online "$agent"
        name_agent "$agent"
    done
    if ((${#missing[@]} > 0)); then step_done "demo agents online: ${DEMO_NAMES[*]}" "$started"; fi
}

command_demo() {
    load_record && is_alive gateway || die "nothing is running here: ./dev up --detach first"
    ensure_python_packages
    export ADMIN_TOKEN
    exec "$VENV/bin/python" "$ROOT/Examples/demo.py" --platform "http://127.0.0.1:$PORT" \
        --echo-agent "$BINARIES/echo-agent" \
        --python-agent "$VENV/bin/python $ROOT/Examples/PythonAgent/agent.py" "$@"
}
