# shellcheck shell=bash
# Inspects the running stack, and breaks it on purpose.

require_stack() {
    load_record || die "nothing is running here: ./dev up starts it"
}

place_of() {
    case $1 in
        gateway) printf 'http://127.0.0.1:%s' "$PORT" ;;
        postgres | rabbitmq | epmd | redis) printf '127.0.0.1:%s' "$(store_port "$1")" ;;
        demo-agent-*) printf 'http://127.0.0.1:%s' "$(agent_port "$1")" ;;
        *) printf 'http://127.0.0.1:%s' "$(service_port "$1")" ;;
    esac
}

state_of() {
    if ! is_alive "$1"; then
        printf 'down'
    elif [[ " $(all_instances | tr '\n' ' ') " == *" $1 "* ]] && ! service_is_ready "$1"; then
        printf 'not ready'
    else
        printf 'running'
    fi
}

# "2026-01-31 10:20:30", the start of a process.
since() {
    date -d "@$(($(date +%s) - $(ps -o etimes= -p "$1")))" '+%Y-%m-%d %H:%M:%S'
}

# Exit code: 0 all runs, 1 something is down, 3 nothing was started.
command_status() {
    local name pid state code=0
    if ! load_record; then
        say "Nothing is running; ./dev up starts it."
        return 3
    fi
    printf '%-14s %-10s %-8s %-20s %-24s %s\n' NAME STATE PID SINCE WHERE LOG
    for name in $(wanted_names); do
        state=$(state_of "$name")
        if pid=$(pid_of "$name"); then
            printf '%-14s %-10s %-8s %-20s %-24s %s\n' "$name" "$state" "$pid" "$(since "$pid")" "$(place_of "$name")" \
                ".dev/log/$name.log"
        else
            printf '%-14s %-10s %-8s %-20s %-24s %s\n' "$name" "$state" - - "$(place_of "$name")" ".dev/log/$name.log"
        fi
        [[ $state == running ]] || code=1
    done
    return "$code"
}

command_env() {
    require_stack
    local name
    local -A values=(
        [PLATFORM_URL]=http://127.0.0.1:$PORT
        [REGISTRY_URL]=http://127.0.0.1:$REGISTRY_PORT
        [A2A_URL]=http://127.0.0.1:$A2A_PROXY_PORT
        [SCHEDULER_URL]=http://127.0.0.1:$SCHEDULER_PORT
        [NOTIFIER_URL]=http://127.0.0.1:$NOTIFIER_PORT
        [SWEEPER_URL]=http://127.0.0.1:$SWEEPER_PORT
        [DATABASE_URL]=$DATABASE_URL [AMQP_URL]=$AMQP_URL [REDIS_URL]=$REDIS_URL [ADMIN_TOKEN]=$ADMIN_TOKEN
    )
    for name in PLATFORM_URL REGISTRY_URL A2A_URL SCHEDULER_URL NOTIFIER_URL SWEEPER_URL DATABASE_URL AMQP_URL REDIS_URL \
        ADMIN_TOKEN; do
        printf '%s%s=%q\n' "$([[ ${1:-} != --export ]] || printf 'export ')" "$name" "${values[$name]}"
    done
}

# Prints each line of several logs behind the name of its process.
# Usage: follow_logs <lines of the past> <name> ...
follow_logs() {
    local lines=$1 name tailer line label=''
    shift
    local files=()
    for name in "$@"; do
        touch "$LOGS/$name.log"
        files+=("$LOGS/$name.log")
    done
    exec 8< <(exec tail -n "$lines" -v -F "${files[@]}" 2>/dev/null)
    tailer=$!
    # shellcheck disable=SC2064  # the id is wanted as it is now
    trap "kill $tailer 2>/dev/null; exit 0" TERM INT EXIT
    while IFS= read -r line <&8; do
        if [[ $line == '==> '*' <==' ]]; then
            label=${line#==> }
            label=${label% <==}
            label=${label##*/}
            label=${label%.log}
        elif [[ -n $line ]]; then
            printf '%s%-14s%s %s\n' "$DIM" "$label" "$PLAIN" "$line"
        fi
    done
}

command_logs() {
    require_stack
    local names
    if (($# > 0)); then
        names=$(names_for "$1")
        mapfile -t names <<<"$names"
    else
        mapfile -t names < <(all_instances && echo gateway && wanted_agents)
    fi
    follow_logs 50 "${names[@]}"
}

# A service's name stands for all its instances.
names_for() {
    local name found=no
    for name in $(wanted_names); do
        if [[ $name == "$1" || ($name == "$1".* && $1 != *.*) ]]; then
            echo "$name"
            found=yes
        fi
    done
    [[ $found == yes ]] || die "there is no $1; there are: $(wanted_names | tr '\n' ' ')"
}

command_kill() {
    require_stack
    (($# == 1)) || die "usage: ./dev kill <name>"
    local names name
    names=$(names_for "$1")
    for name in $names; do
        if kill_process "$name"; then say "$name was killed."; else say "$name was not running."; fi
    done
}

command_start() {
    require_stack
    (($# == 1)) || die "usage: ./dev start <name>"
    local names name
    names=$(names_for "$1")
    for name in $names; do
        if is_alive "$name"; then
            say "$name is already running."
            continue
        fi
        start_one "$name"
    done
}

start_one() {
    local started
    started=$(now_ms)
    case $1 in
        gateway)
            start_gateway
            return
            ;;
        postgres | epmd | rabbitmq | redis)
            "start_$1"
            wait_until "$1" 60 store_is_ready "$1"
            ;;
        demo-agent-*)
            GATEWAY_PORT=$PORT
            start_agent "$1"
            ;;
        *)
            start_service "$1"
            wait_until "$1" 60 service_is_ready "$1"
            ;;
    esac
    step_done "$1 started" "$started"
}
