# shellcheck shell=bash
# Ports, addresses and secrets of the stack: environment first, then what the running stack uses, then defaults.

SERVICES=(registry a2a-proxy scheduler notifier sweeper)
STORES=(postgres epmd rabbitmq redis)
RECORD=$STATE/stack.env

# Variables that ./dev itself sets and that a running stack remembers.
REMEMBERED=(
    PORT REGISTRY_PORT A2A_PROXY_PORT SCHEDULER_PORT NOTIFIER_PORT SWEEPER_PORT
    POSTGRES_PORT RABBITMQ_PORT RABBITMQ_DIST_PORT RABBITMQ_EPMD_PORT REDIS_PORT DEMO_AGENT_PORT
    DATABASE_URL AMQP_URL REDIS_URL ADMIN_TOKEN MOLECULE_ENV POSTGRES_DATA
    OWN_POSTGRES OWN_RABBITMQ OWN_REDIS SCALE DEMO
)

random_token() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

# A secret kept in a file that only its owner can read, made on first use.
kept_secret() {
    local file=$STATE/$1
    if [[ ! -s $file ]]; then
        (umask 077 && random_token >"$file")
    fi
    cat "$file"
}

# Where the files of chats are, unless another place is given for them.
chat_files_folder() {
    if [[ -z ${CHAT_FILES_S3_URL:-} ]]; then printf '%s' "$STATE/chat-files"; fi
}

load_record() {
    [[ -f $RECORD ]] || return 1
    # shellcheck source=/dev/null
    source "$RECORD"
}

# Written after everything was decided and before anything is started.
save_record() {
    local name
    (
        umask 077
        {
            for name in "${REMEMBERED[@]}"; do printf '%s=%q\n' "$name" "${!name-}"; done
        } >"$RECORD.new"
    )
    mv "$RECORD.new" "$RECORD"
}

default_settings() {
    PORT=${PORT:-8080}
    REGISTRY_PORT=${REGISTRY_PORT:-8081}
    A2A_PROXY_PORT=${A2A_PROXY_PORT:-8082}
    SCHEDULER_PORT=${SCHEDULER_PORT:-8083}
    NOTIFIER_PORT=${NOTIFIER_PORT:-8084}
    SWEEPER_PORT=${SWEEPER_PORT:-8085}
    POSTGRES_PORT=${POSTGRES_PORT:-5442}
    RABBITMQ_PORT=${RABBITMQ_PORT:-5682}
    RABBITMQ_DIST_PORT=${RABBITMQ_DIST_PORT:-25682}
    RABBITMQ_EPMD_PORT=${RABBITMQ_EPMD_PORT:-4379}
    REDIS_PORT=${REDIS_PORT:-6389}
    DEMO_AGENT_PORT=${DEMO_AGENT_PORT:-8071}
    # Unset and empty differ: an empty token means that there is none.
    ADMIN_TOKEN=${ADMIN_TOKEN-$(kept_secret admin-token)}
    MOLECULE_ENV=${MOLECULE_ENV-development}
    SCALE=${SCALE:-}
    check_numbers
    store_addresses
}

check_numbers() {
    local name
    for name in "${REMEMBERED[@]}"; do
        [[ $name == PORT || $name == *_PORT ]] || continue
        if ! [[ ${!name} =~ ^[0-9]{1,5}$ ]] || ((${!name} < 1 || ${!name} > 65535)); then
            die "$name=${!name} is no port number (1 to 65535)"
        fi
    done
}

# A store whose address is given is external: it is used and neither started nor stopped. An
# address of this stack (a shell after eval "$(./dev env)") counts as not given.
store_addresses() {
    local database amqp redis
    database=postgres://switchyard:$(kept_secret database-password)@127.0.0.1:$POSTGRES_PORT/switchyard
    amqp=amqp://guest:guest@127.0.0.1:$RABBITMQ_PORT/
    redis=redis://127.0.0.1:$REDIS_PORT/0
    DATABASE_URL=${DATABASE_URL:-$database} AMQP_URL=${AMQP_URL:-$amqp} REDIS_URL=${REDIS_URL:-$redis}
    OWN_POSTGRES=no OWN_RABBITMQ=no OWN_REDIS=no
    if [[ $DATABASE_URL == "$database" ]]; then OWN_POSTGRES=yes; fi
    if [[ $AMQP_URL == "$amqp" ]]; then OWN_RABBITMQ=yes; fi
    if [[ $REDIS_URL == "$redis" ]]; then OWN_REDIS=yes; fi
}

# The first port of a service; instance n listens on base + 100 * (n - 1).
service_port() {
    local name=${1%.*} instance=1 variable
    if [[ $1 == *.* ]]; then instance=${1##*.}; fi
    variable=${name^^}
    variable=${variable//-/_}_PORT
    printf '%d' $((${!variable} + 100 * (instance - 1)))
}

# How many instances of a service are wanted: from SCALE, "a2a-proxy=2 registry=1".
wanted_instances() {
    local entry
    for entry in $SCALE; do
        if [[ ${entry%%=*} == "$1" ]]; then
            printf '%d' "${entry##*=}"
            return
        fi
    done
    printf '1'
}

# registry a2a-proxy a2a-proxy.2 scheduler ...
instances_of() {
    local count n
    count=$(wanted_instances "$1")
    for ((n = 1; n <= count; n++)); do
        if ((n == 1)); then printf '%s\n' "$1"; else printf '%s.%d\n' "$1" "$n"; fi
    done
}

all_instances() {
    local service
    for service in "${SERVICES[@]}"; do instances_of "$service"; done
}
