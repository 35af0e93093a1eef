# shellcheck shell=bash
# ./dev up and ./dev down: the whole stack in order, and back in reverse order.

wanted_names() {
    wanted_stores
    all_instances
    echo gateway
    wanted_agents
}

any_alive() {
    local name
    for name in $(started_names); do
        if is_alive "$name"; then return 0; fi
    done
    return 1
}

all_alive() {
    local name
    for name in $(wanted_names); do is_alive "$name" || return 1; done
}

parse_up_options() {
    DETACH=no BUILD=yes WANT_DEMO='' WANT_SCALE=''
    while (($# > 0)); do
        case $1 in
            --detach | -d) DETACH=yes ;;
            --no-demo) WANT_DEMO=no ;;
            --no-build) BUILD=no ;;
            --scale)
                shift
                (($# > 0)) || die "--scale wants name=n"
                check_scale "$1"
                WANT_SCALE+="${WANT_SCALE:+ }$1"
                ;;
            --scale=*)
                check_scale "${1#--scale=}"
                WANT_SCALE+="${WANT_SCALE:+ }${1#--scale=}"
                ;;
            # --scale a=2 b=3 is taken as docker's users write it.
            *=*)
                check_scale "$1"
                WANT_SCALE+="${WANT_SCALE:+ }$1"
                ;;
            *) die "unknown option for up: $1" ;;
        esac
        shift
    done
}

check_scale() {
    [[ $1 =~ ^([a-z0-9-]+)=([1-9]|1[0-9])$ && " ${SERVICES[*]} " == *" ${BASH_REMATCH[1]} "* ]] ||
        die "--scale wants <service>=<1 to 19>, with a service of: ${SERVICES[*]}; got $1"
}

# A running stack keeps its ports and addresses; what the environment says otherwise is pointed out.
adopt_running_settings() {
    local name given
    local -A asked=()
    for name in "${REMEMBERED[@]}"; do
        if [[ -n ${!name+set} ]]; then asked[$name]=${!name}; fi
    done
    load_record
    for name in PORT REGISTRY_PORT A2A_PROXY_PORT SCHEDULER_PORT NOTIFIER_PORT SWEEPER_PORT ADMIN_TOKEN DATABASE_URL \
        AMQP_URL REDIS_URL MOLECULE_ENV; do
        given=${asked[$name]-${!name}}
        if [[ $given != "${!name}" ]]; then warn "$name is not what the running stack was started with: ./dev down first"; fi
    done
}

# One ./dev up or down at a time in a checkout.
take_lock() {
    exec 9>"$STATE/lock"
    flock --wait 600 9 || die "another ./dev is still busy in this checkout"
}

release_lock() { exec 9>&-; }

command_up() {
    local started fresh=yes
    parse_up_options "$@"
    make_state_folders
    take_lock
    started=$(now_ms)
    DEMO=${WANT_DEMO:-yes} SCALE=$WANT_SCALE
    if any_alive && [[ -f $RECORD ]]; then
        fresh=no
        adopt_running_settings
        DEMO=${WANT_DEMO:-$DEMO} SCALE=${WANT_SCALE:-$SCALE}
        if all_alive && [[ -z $(unwanted_instances) ]]; then
            say "Already up."
            print_addresses
            return
        fi
    fi
    # Not local: the trap runs when this function is gone.
    ALIVE_BEFORE=$(alive_names)
    # Set before anything is started; whatever ends this script early takes back what it has started.
    trap 'abandon "$ALIVE_BEFORE"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    bring_up "$fresh"
    trap - EXIT
    save_record
    say "${GREEN}Switchyard is up${PLAIN} $DIM($(elapsed_since "$started"))$PLAIN"
    print_addresses
    release_lock
    [[ $DETACH == yes ]] || stay_in_foreground
}

bring_up() {
    local fresh=$1 name
    say "${BOLD}Setting up$PLAIN"
    default_settings
    # Early, before minutes of installing and building; the tool that finds the holders may have to be installed first.
    if command -v ss >/dev/null; then check_ports; fi
    ensure_setup
    choose_postgres_data
    check_ports
    if [[ $fresh == yes ]]; then
        rm -f "$RUN"/*.pid
        for name in $(wanted_names); do rotate_log "$name"; done
        if [[ $BUILD == yes ]]; then build_release; fi
    elif [[ ! -x $BINARIES/registry ]]; then
        build_release
    fi
    save_record
    say "${BOLD}Starting$PLAIN"
    start_stores
    migrate_database
    local extra
    mapfile -t extra < <(unwanted_instances)
    start_services
    start_gateway
    if ((${#extra[@]} > 0)); then stop_processes "$(service_grace)" "${extra[@]}"; fi
    start_agents
}

alive_names() {
    local name
    for name in $(started_names); do
        if is_alive "$name"; then echo "$name"; fi
    done
}

# Instances and agents that run and that this scale does not include.
unwanted_instances() {
    local name wanted
    wanted=" $(wanted_names | tr '\n' ' ') "
    for name in $(alive_names); do
        if [[ $wanted != *" $name "* ]]; then echo "$name"; fi
    done
}

# The start failed or was interrupted: end what it started, leave what ran before.
abandon() {
    local code=$? name
    local ours=()
    trap - EXIT
    trap '' INT
    for name in $(alive_names); do
        grep -qxF "$name" <<<"$1" || ours+=("$name")
    done
    if ((${#ours[@]} > 0)); then
        say "Stopping what was started"
        stop_in_order "${ours[@]}"
    fi
    if [[ -z $1 ]]; then rm -f "$RECORD"; fi
    exit "$code"
}

service_grace() { printf '%d' $((${SHUTDOWN_GRACE_SECONDS:-30} + 5)); }

# Agents, gateway, services, stores: the reverse of how they came. What belongs to one layer ends together.
stop_in_order() {
    local name
    local agents=() gateway=() services=() stores=()
    for name in "$@"; do
        case $name in
            demo-agent-*) agents+=("$name") ;;
            gateway) gateway+=("$name") ;;
            redis | rabbitmq | epmd | postgres) stores+=("$name") ;;
            *) services+=("$name") ;;
        esac
    done
    stop_processes 10 ${agents[@]+"${agents[@]}"}
    stop_processes 10 ${gateway[@]+"${gateway[@]}"}
    stop_processes "$(service_grace)" ${services[@]+"${services[@]}"}
    for name in redis rabbitmq epmd postgres; do
        if [[ " ${stores[*]-} " == *" $name "* ]]; then stop_processes 60 "$name"; fi
    done
}

command_down() {
    local purge=no
    if [[ ${1:-} == --purge ]]; then purge=yes; elif (($# > 0)); then die "unknown option for down: $1"; fi
    make_state_folders
    take_lock
    stop_everything
    if [[ $purge == yes ]]; then remove_data; fi
}

# The next start finds empty stores. Only what lies in the stack's own folders is removed.
remove_data() {
    choose_postgres_data
    rm -rf "$POSTGRES_DATA" "$POSTGRES_DATA.initialised" "$STATE/rabbitmq" "$STATE/redis" "$STATE/agents" \
        "$STATE/chat-files"
    say "Removed the data of the private stores, files of chats and the demo agents' identities."
}

stop_everything() {
    local names started
    mapfile -t names < <(started_names)
    if ! any_alive; then
        rm -f "$RUN"/*.pid "$RECORD"
        say "Nothing is running."
        return
    fi
    started=$(now_ms)
    stop_in_order "${names[@]}"
    rm -f "$RUN"/*.pid "$RECORD"
    say "Stopped everything that was started $DIM($(elapsed_since "$started"))$PLAIN"
}

print_addresses() {
    say "  Platform     ${BOLD}http://127.0.0.1:$PORT/$PLAIN"
    if [[ -n $ADMIN_TOKEN ]]; then
        say "  ADMIN_TOKEN  $ADMIN_TOKEN"
    else
        say "  ADMIN_TOKEN  none (open for development)"
    fi
    say "  ${DIM}./dev status · ./dev logs · ./dev demo · ./dev down · eval \"\$(./dev env)\"$PLAIN"
}

# Shows the logs until Ctrl-C, which stops everything, or until ./dev down in another terminal did.
stay_in_foreground() {
    trap 'printf "\n"; leave_foreground; exit 0' INT TERM HUP
    local name
    local -A reported=()
    say "Following the logs; Ctrl-C stops everything."
    follow_logs 0 $(all_instances) gateway $(wanted_agents) &
    FOLLOWER=$!
    while [[ -f $RECORD ]]; do
        for name in $(wanted_names); do
            if is_alive "$name"; then
                unset "reported[$name]"
            elif [[ -z ${reported[$name]:-} && -f $RECORD ]]; then
                reported[$name]=yes
                warn "$name is not running; its log is .dev/log/$name.log, ./dev start $name starts it again"
            fi
        done
        sleep 1 || true
    done
    stop_following
}

stop_following() {
    # The follower leads tail and the loop that prints; both end with it.
    kill "$FOLLOWER" 2>/dev/null || true
    wait "$FOLLOWER" 2>/dev/null || true
}

leave_foreground() {
    trap '' INT TERM HUP
    stop_following
    command_down
}
