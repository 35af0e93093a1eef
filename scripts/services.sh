# shellcheck shell=bash
# Starts the five services, each instance with its own port, and waits until each says that it is ready.

BINARIES=$ROOT/.build/release

# What is set for every service. All else of the environment reaches it unchanged.
service_environment() {
    printf '%s\n' \
        "DATABASE_URL=$DATABASE_URL" "AMQP_URL=$AMQP_URL" "REDIS_URL=$REDIS_URL" \
        "ADMIN_TOKEN=$ADMIN_TOKEN" "MOLECULE_ENV=$MOLECULE_ENV" \
        "SECRETS_ENCRYPTION_KEY=${SECRETS_ENCRYPTION_KEY-$(kept_secret secrets-key)}" \
        "PLATFORM_URL=${PLATFORM_URL:-http://localhost:$PORT}" \
        "TRUSTED_PROXIES=${TRUSTED_PROXIES-127.0.0.1}" \
        "CHAT_FILES_DIR=${CHAT_FILES_DIR-$(chat_files_folder)}"
}

start_service() {
    # The outer PORT is the gateway's.
    local instance=$1 service=${1%.*} port
    local -a settings
    port=$(service_port "$instance")
    [[ -x $BINARIES/$service ]] || die "$service has not been built: run ./dev up without --no-build"
    mapfile -t settings < <(service_environment)
    # Exported rather than given as arguments, which every user of the machine could read.
    (
        export "${settings[@]}" "PORT=$port"
        start_process "$instance" "$BINARIES/$service"
    )
}

service_is_ready() {
    curl --silent --fail --max-time 2 --output /dev/null "http://127.0.0.1:$(service_port "$1")/ready"
}

start_services() {
    local instance started
    local missing=()
    started=$(now_ms)
    for instance in $(all_instances); do
        if ! is_alive "$instance"; then
            start_service "$instance"
            missing+=("$instance")
        fi
    done
    for instance in ${missing[@]+"${missing[@]}"}; do
        wait_until "$instance" 60 service_is_ready "$instance"
        step_done "$instance on port $(service_port "$instance")" "$started"
    done
}

run_migrations() {
    export DATABASE_URL
    cd "$ROOT"
    "$BINARIES/migrate" up
}

migrate_database() {
    with_progress "database migrations" migrate run_migrations
}
