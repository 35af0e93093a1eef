# shellcheck shell=bash
# The private PostgreSQL, RabbitMQ and Redis: on loopback, with their data under .dev/, never the system's own.

POSTGRES_USER=postgres

postgres_bin() {
    local newest
    newest=$(compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -V | tail -n 1)
    [[ -n $newest ]] || die "PostgreSQL's programs are not under /usr/lib/postgresql"
    printf '%s' "${newest%/postgres}"
}

# PostgreSQL refuses to run as root: root lends it the packages' own user. It also wants a current folder
# that this user can read.
as_postgres() {
    local prefix
    mapfile -t prefix < <(postgres_prefix)
    "${prefix[@]}" "$@"
}

postgres_prefix() {
    printf '%s\n' env -C /
    if ((EUID == 0)); then
        printf '%s\n' setpriv --reuid "$POSTGRES_USER" --regid "$POSTGRES_USER" --init-groups --
    fi
}

# Where the database's files go. Under .dev/, unless the postgres user cannot even get there (a checkout in
# root's home): then under /var/tmp, named after the checkout's path.
choose_postgres_data() {
    POSTGRES_DATA=$STATE/postgres
    if ((EUID == 0)) && ! as_postgres test -x "$STATE"; then
        POSTGRES_DATA=/var/tmp/switchyard-$(sha256sum <<<"$ROOT" | head -c 12)/postgres
        if [[ ! -d $POSTGRES_DATA ]]; then
            say "  user $POSTGRES_USER cannot reach $STATE: the database's files are in $POSTGRES_DATA"
        fi
    fi
}

# Identifies whether data outside .dev/ is this checkout's or was left behind by one at the same path.
database_mark() { kept_secret database-password | sha256sum; }

init_postgres() {
    local bin password_file
    bin=$(postgres_bin)
    rm -rf "$POSTGRES_DATA"
    mkdir -p "$POSTGRES_DATA"
    password_file=$(mktemp)
    kept_secret database-password >"$password_file"
    if ((EUID == 0)); then chown "$POSTGRES_USER:" "$POSTGRES_DATA" "$password_file"; fi
    as_postgres "$bin/initdb" --pgdata "$POSTGRES_DATA" --username switchyard --pwfile "$password_file" \
        --auth scram-sha-256 --encoding UTF8 --locale C.UTF-8
    rm -f "$password_file"
    database_mark >"$POSTGRES_DATA.initialised"
}

postgres_is_ready() {
    "$(postgres_bin)/pg_isready" --quiet --host 127.0.0.1 --port "$POSTGRES_PORT"
}

# A server that was killed leaves its lock. PostgreSQL checks whether that process exists, and a zombie,
# dead and not yet reaped by its parent, still does.
clear_postgres_lock() {
    local lock=$POSTGRES_DATA/postmaster.pid pid
    [[ -e $lock ]] || return 0
    read -r pid <"$lock" || return 0
    if ! start_time_of "$pid" >/dev/null; then rm -f "$lock"; fi
}

start_postgres() {
    local prefix
    if [[ $(cat "$POSTGRES_DATA.initialised" 2>/dev/null) != "$(database_mark)" ]]; then
        with_progress "PostgreSQL data folder" initdb init_postgres
    fi
    clear_postgres_lock
    mapfile -t prefix < <(postgres_prefix)
    # No socket file: its path would be too long in a deep checkout.
    start_process postgres "${prefix[@]}" "$(postgres_bin)/postgres" -D "$POSTGRES_DATA" \
        -p "$POSTGRES_PORT" -h 127.0.0.1 -c unix_socket_directories= -c max_connections=300 \
        -c shared_buffers=256MB -c logging_collector=off
}

create_database() {
    local psql
    psql=$(postgres_bin)/psql
    export PGPASSWORD
    PGPASSWORD=$(kept_secret database-password)
    "$psql" -h 127.0.0.1 -p "$POSTGRES_PORT" -U switchyard -d postgres -Atqc \
        "SELECT 1 FROM pg_database WHERE datname = 'switchyard'" | grep -q 1 ||
        "$psql" -h 127.0.0.1 -p "$POSTGRES_PORT" -U switchyard -d postgres -qc 'CREATE DATABASE switchyard' ||
        die "the database cannot be created; the server's log is .dev/log/postgres.log"
}

# Erlang's port mapper, a private one so that the machine's stays out of it.
start_epmd() {
    start_process epmd epmd -port "$RABBITMQ_EPMD_PORT" -address 127.0.0.1
}

start_rabbitmq() {
    local home=$STATE/rabbitmq
    mkdir -p "$home"
    printf '[].\n' >"$home/enabled_plugins"
    cat >"$home/rabbitmq.conf" <<END
listeners.tcp.1 = 127.0.0.1:$RABBITMQ_PORT
vm_memory_high_watermark.relative = 0.4
disk_free_limit.absolute = 256MB
log.console = true
log.console.level = warning
log.file = false
END
    : >"$home/env.conf"
    # The program itself, not the wrapper in the path: that one insists on the packages' user.
    start_process rabbitmq env HOME="$home" \
        RABBITMQ_MNESIA_BASE="$home/mnesia" RABBITMQ_LOG_BASE="$home/log" \
        RABBITMQ_NODENAME="switchyard-$RABBITMQ_PORT@localhost" RABBITMQ_NODE_PORT="$RABBITMQ_PORT" \
        RABBITMQ_DIST_PORT="$RABBITMQ_DIST_PORT" ERL_EPMD_PORT="$RABBITMQ_EPMD_PORT" ERL_EPMD_ADDRESS=127.0.0.1 \
        RABBITMQ_CONF_ENV_FILE="$home/env.conf" RABBITMQ_CONFIG_FILE="$home/rabbitmq.conf" \
        RABBITMQ_ENABLED_PLUGINS_FILE="$home/enabled_plugins" RABBITMQ_PID_FILE="$home/pid" \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' \
        /usr/lib/rabbitmq/bin/rabbitmq-server
}

start_redis() {
    mkdir -p "$STATE/redis"
    # What Redis holds may vanish at any time, so nothing is written to the disk.
    start_process redis redis-server --bind 127.0.0.1 --port "$REDIS_PORT" --dir "$STATE/redis" \
        --save '' --appendonly no --daemonize no
}

# The private stores that this stack wants, in starting order.
wanted_stores() {
    if [[ $OWN_POSTGRES == yes ]]; then echo postgres; fi
    if [[ $OWN_RABBITMQ == yes ]]; then printf 'epmd\nrabbitmq\n'; fi
    if [[ $OWN_REDIS == yes ]]; then echo redis; fi
}

store_is_ready() {
    case $1 in
        postgres) postgres_is_ready ;;
        epmd) accepts_connections "$RABBITMQ_EPMD_PORT" ;;
        rabbitmq) accepts_connections "$RABBITMQ_PORT" ;;
        redis) accepts_connections "$REDIS_PORT" ;;
    esac
}

# Starts all that is missing first and waits afterwards: they come up side by side.
start_stores() {
    local store started
    local missing=()
    started=$(now_ms)
    for store in $(wanted_stores); do
        if ! is_alive "$store"; then
            "start_$store"
            missing+=("$store")
        fi
    done
    for store in ${missing[@]+"${missing[@]}"}; do
        wait_until "$store" 60 store_is_ready "$store"
        [[ $store == epmd ]] || step_done "$store on port $(store_port "$store")" "$started"
    done
    if [[ $OWN_POSTGRES == yes ]]; then create_database; fi
}

store_port() {
    case $1 in
        postgres) printf '%s' "$POSTGRES_PORT" ;;
        epmd) printf '%s' "$RABBITMQ_EPMD_PORT" ;;
        rabbitmq) printf '%s' "$RABBITMQ_PORT" ;;
        redis) printf '%s' "$REDIS_PORT" ;;
    esac
}
