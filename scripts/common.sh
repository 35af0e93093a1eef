# shellcheck shell=bash
# What every command of ./dev shares: where things are, how progress is printed, how root is reached.

# The paths follow the checkout, so that two checkouts never share a server or a file.
STATE=$ROOT/.dev
RUN=$STATE/run
LOGS=$STATE/log
PREFIX=$STATE/prefix
VENV=$STATE/venv

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' YELLOW=$'\e[33m' PLAIN=$'\e[0m'
else
    BOLD='' DIM='' RED='' GREEN='' YELLOW='' PLAIN=''
fi

say() { printf '%s\n' "$*"; }
warn() { printf '%s! %s%s\n' "$YELLOW" "$*" "$PLAIN" >&2; }
die() {
    printf '%serror:%s %s\n' "$RED" "$PLAIN" "$*" >&2
    exit 1
}

make_state_folders() {
    mkdir -p "$RUN" "$LOGS"
}

# Milliseconds since the epoch without starting a process.
now_ms() { local t=${EPOCHREALTIME/[.,]/}; printf '%s' $((t / 1000)); }

# "1.2 s" since a time taken by now_ms.
elapsed_since() {
    local ms=$(($(now_ms) - $1))
    printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
}

step_done() { printf '  %s✓%s %s %s(%s)%s\n' "$GREEN" "$PLAIN" "$1" "$DIM" "$(elapsed_since "$2")" "$PLAIN"; }

# Shows that a long step is alive: on a terminal one line rewritten every second, elsewhere a line every 20 s.
show_ticks() {
    local label=$1 log=$2 started=$3 count=0 last width
    while sleep 1 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
        count=$((count + 1))
        [[ -t 1 ]] || ((count % 20 == 0)) || continue
        last=$(tail -n 1 "$log" 2>/dev/null | tr -d '\r\033' | cut -c 1-70)
        if [[ -t 1 ]]; then
            width=$(tput cols 2>/dev/null || echo 80)
            printf '\r\e[K%s' "$(printf '  … %s (%s) %s' "$label" "$(elapsed_since "$started")" "$last" | cut -c "1-$width")"
        else
            printf '  … %s (%s) %s\n' "$label" "$(elapsed_since "$started")" "$last"
        fi
    done
}

# Runs a command with its output in a log and its progress on the screen; a failure shows the log's end.
# The command stays in the foreground, so that Ctrl-C reaches it.
# Usage: with_progress <label> <log name> <command> [argument ...]
with_progress() {
    local label=$1 log=$LOGS/$2.log started ticker code
    shift 2
    started=$(now_ms)
    : >"$log"
    show_ticks "$label" "$log" "$started" &
    ticker=$!
    set +e
    (set -e && "$@") >"$log" 2>&1 </dev/null
    code=$?
    kill "$ticker" 2>/dev/null
    wait "$ticker" 2>/dev/null
    set -e
    [[ ! -t 1 ]] || printf '\r\e[K'
    if ((code != 0)); then
        printf '  %s✗ %s%s (%s)\n' "$RED" "$label" "$PLAIN" "$(elapsed_since "$started")" >&2
        tail -n 60 "$log" >&2
        die "$label failed with code $code; the whole output is in ${log#"$ROOT"/}"
    fi
    step_done "$label" "$started"
}

# Runs a command as root: directly, or through sudo where there is one.
as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        die "this needs root, and there is no sudo: $*"
    fi
}

# More than the usual 1024 descriptors: ten thousand connections are an ordinary test here.
raise_file_limit() {
    local hard
    hard=$(ulimit -Hn)
    if [[ $hard == unlimited ]] || ((hard > 65536)); then hard=65536; fi
    ulimit -Sn "$hard" 2>/dev/null || true
}
