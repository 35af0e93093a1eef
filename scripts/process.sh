# shellcheck shell=bash
# Processes that ./dev started, and no others. A file .dev/run/<name>.pid holds the process id, its start
# time and the boot it belongs to, so that an id that was given to another process meanwhile is never signalled.

BOOT_ID=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo none)

# Field 22 of /proc/<pid>/stat: start time in clock ticks since the boot. Fails for a process that is gone or
# only waits to be collected.
start_time_of() {
    local stat fields
    read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
    # The command's name is in parentheses and may contain blanks and parentheses itself.
    read -ra fields <<<"${stat##*) }"
    [[ ${fields[0]} != Z && ${fields[0]} != X ]] || return 1
    printf '%s' "${fields[19]}"
}

# The process id of a name, when it is alive and was started by ./dev.
pid_of() {
    local pid started boot
    read -r pid started boot 2>/dev/null <"$RUN/$1.pid" || return 1
    [[ $boot == "$BOOT_ID" && $(start_time_of "$pid") == "$started" ]] || return 1
    printf '%s' "$pid"
}

is_alive() { pid_of "$1" >/dev/null; }

# Names of all that was started, whether alive or not.
started_names() {
    local file
    for file in "$RUN"/*.pid; do
        [[ -e $file ]] || continue
        file=${file##*/}
        printf '%s\n' "${file%.pid}"
    done
}

# Starts a command as the leader of a session of its own (Ctrl-C on our terminal does not reach it), with its
# output appended to its log and without the lock that descriptor 9 may be. Usage: start_process <name> <command> [argument ...]
start_process() {
    local name=$1 pid
    shift
    setsid -- "$@" </dev/null >>"$LOGS/$name.log" 2>&1 9>&- &
    pid=$!
    printf '%s %s %s\n' "$pid" "$(start_time_of "$pid")" "$BOOT_ID" >"$RUN/$name.pid"
    disown "$pid" 2>/dev/null || true
}

# A fresh start gets fresh logs; those of the run before are kept beside them.
rotate_log() {
    if [[ -s $LOGS/$1.log ]]; then mv "$LOGS/$1.log" "$LOGS/$1.log.1"; fi
}

# The signal that ends a process: PostgreSQL's SIGTERM would wait for its clients.
stop_signal_of() {
    case $1 in
        postgres) printf 'INT' ;;
        *) printf 'TERM' ;;
    esac
}

# Sends the signal, waits up to a number of seconds, then kills. Several names are signalled together.
stop_processes() {
    local grace=$1 name pid deadline started
    shift
    started=$(now_ms)
    for name in "$@"; do
        if pid=$(pid_of "$name"); then kill "-$(stop_signal_of "$name")" "$pid" 2>/dev/null || true; fi
    done
    deadline=$(($(now_ms) + grace * 1000))
    for name in "$@"; do
        [[ -e $RUN/$name.pid ]] || continue
        while is_alive "$name" && (($(now_ms) < deadline)); do sleep 0.05; done
        if is_alive "$name"; then
            warn "$name did not end within $grace s and is killed"
            kill_process "$name"
        else
            step_done "$name stopped" "$started"
        fi
        rm -f "$RUN/$name.pid"
    done
}

# SIGKILL to the process and its group; waits until it and its children are gone (PostgreSQL's leave by
# themselves, and its data cannot be used again before).
kill_process() {
    local pid child tries
    local -a family
    pid=$(pid_of "$1") || return 1
    mapfile -t family < <(echo "$pid" && pgrep -P "$pid")
    kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null || true
    for child in "${family[@]}"; do
        for ((tries = 0; tries < 200; tries++)); do
            start_time_of "$child" >/dev/null || break
            sleep 0.05
        done
    done
    ! is_alive "$1"
}

# Waits for a condition; a process that ends meanwhile, or a wait too long, shows the end of its log.
# Usage: wait_until <name> <seconds> <command> [argument ...]
wait_until() {
    local name=$1 seconds=$2 deadline
    shift 2
    deadline=$(($(now_ms) + seconds * 1000))
    until "$@" >/dev/null 2>&1; do
        if ! is_alive "$name"; then
            show_log_end "$name"
            die "$name ended while starting; its log is .dev/log/$name.log"
        fi
        if (($(now_ms) >= deadline)); then
            show_log_end "$name"
            die "$name was not ready within $seconds s; its log is .dev/log/$name.log"
        fi
        sleep 0.05
    done
}

show_log_end() {
    tail -n 25 "$LOGS/$1.log" >&2 2>/dev/null || true
}

# Whether something accepts connections on a loopback port.
accepts_connections() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
