# shellcheck shell=bash
# ./dev bench [name]: Benchmarks/run on stores of its own, which it starts with empty data and stops afterwards.

# A port that nothing listens on, from a first one upwards.
free_port_from() {
    local port=$1
    while accepts_connections "$port"; do port=$((port + 1)); done
    printf '%d' "$port"
}

# Everything that the other commands keep under .dev/ is under .dev/bench/ here, so that neither a running stack nor
# its data is touched.
separate_bench_state() {
    STATE=$STATE/bench
    RUN=$STATE/run
    LOGS=$STATE/log
    RECORD=$STATE/stack.env
    unset DATABASE_URL AMQP_URL REDIS_URL
    DEMO=no SCALE=''
    make_state_folders
    take_lock
    rm -rf "$LOGS" "$STATE/files"
    mkdir -p "$LOGS" "$STATE/files"
    POSTGRES_PORT=$(free_port_from 5542)
    RABBITMQ_PORT=$(free_port_from 5782)
    RABBITMQ_DIST_PORT=$(free_port_from 25782)
    RABBITMQ_EPMD_PORT=$(free_port_from 4479)
    REDIS_PORT=$(free_port_from 6489)
    default_settings
    choose_postgres_data
    # Outside the checkout the folder is named after the checkout, not after this state.
    if [[ $POSTGRES_DATA != "$STATE"/* ]]; then POSTGRES_DATA=${POSTGRES_DATA%/*}/bench; fi
    rm -rf "$POSTGRES_DATA" "$POSTGRES_DATA.initialised" "$STATE/rabbitmq"
}

stop_bench_stores() {
    local code=$?
    trap - EXIT
    trap '' INT TERM
    stop_in_order redis rabbitmq epmd postgres >&2
    rm -rf "$POSTGRES_DATA" "$POSTGRES_DATA.initialised"
    exit "$code"
}

command_bench() {
    local build=yes
    if [[ ${1:-} == --no-build ]]; then
        build=no
        shift
    fi
    ensure_setup "${BENCH_PACKAGES[@]}"
    ensure_python_packages
    if [[ $build == yes ]]; then build_release; fi
    separate_bench_state
    trap stop_bench_stores EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    # What the stores' start prints is no part of the report.
    start_stores >&2
    migrate_database >&2
    export BINARIES DATABASE_URL AMQP_URL REDIS_URL
    SWITCHYARD_PYTHON=$VENV/bin/python POSTGRES_BIN=$(postgres_bin) NGINX=$(nginx_program) BENCH_FOLDER=$STATE/files BENCH_LOGS=$LOGS \
        POSTGRES_PID=$(pid_of postgres) RABBITMQ_PID=$(pid_of rabbitmq) REDIS_PID=$(pid_of redis) \
        "$ROOT/Benchmarks/run" "$@"
}
