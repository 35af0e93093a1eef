# shellcheck shell=bash
# ./dev autobahn [cases]: the Autobahn|Testsuite against our WebSocket, over loopback.

AUTOBAHN_VERSION=0.8.2

# The suite's releases that work are Python 2.
python2() {
    local candidate
    for candidate in "${PYTHON2:-}" python2.7 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7*/bin/python2.7; do
        if [[ -n $candidate ]] && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null; then
            printf '%s' "$candidate"
            return 0
        fi
    done
    return 1
}

install_autobahn() {
    local folder=$1 python=$2
    rm -rf "$folder"
    # The last virtualenv that makes environments of Python 2.
    "$VENV/bin/pip" install --quiet --target "$folder/tool" virtualenv==20.21.1
    PYTHONPATH=$folder/tool "$VENV/bin/python" -m virtualenv --quiet -p "$python" "$folder/venv"
    "$folder/venv/bin/pip" install --quiet "autobahntestsuite==$AUTOBAHN_VERSION"
    rm -rf "$folder/tool"
}

# Prints a table of the results; fails unless every case behaved.
judge_autobahn() {
    "$VENV/bin/python" - "$1" <<'END'
import collections, json, sys

results = json.load(open(sys.argv[1]))["Switchyard"]
sections = collections.defaultdict(collections.Counter)
for case, result in results.items():
    for what in ("behavior", "behaviorClose"):
        sections[int(case.split(".")[0])][result[what]] += what == "behavior"
good = {"OK", "NON-STRICT", "INFORMATIONAL"}
bad = sorted(
    (case for case, result in results.items() if not {result["behavior"], result["behaviorClose"]} <= good),
    key=lambda case: [int(part) for part in case.split(".")])
for section in sorted(sections):
    print(f"  section {section:2}: " + ", ".join(f"{n} {name}" for name, n in sorted(sections[section].items()) if n))
for case in bad:
    print(f"  {case}: {results[case]['behavior']}, closing {results[case]['behaviorClose']}")
print(f"  {len(results)} cases, {len(bad)} not as they should be")
sys.exit(bool(bad) or not results)
END
}

stop_echo() {
    local code=$?
    trap - EXIT
    # It ends with its input.
    exec {echo_input}>&-
    wait "$echo_pid" 2>/dev/null || true
    exit "$code"
}

command_autobahn() {
    local folder=$STATE/autobahn python cases=${1:-'1.*,2.*,3.*,4.*,5.*,6.*,7.*,9.*,10.*'} port code=0
    ensure_setup
    if [[ ! -x $folder/venv/bin/wstest ]]; then
        python=$(python2) || die "the Autobahn|Testsuite needs a Python 2.7, and this machine has none: install one (pyenv install 2.7.18) or name it in PYTHON2"
        with_progress "Autobahn|Testsuite $AUTOBAHN_VERSION" autobahn-install install_autobahn "$folder" "$python"
    fi
    cd "$ROOT"
    with_progress "release build of the echo server" build-echo swift build -c release --product websocket-echo
    rm -rf "$folder/reports"
    mkfifo "$folder/input.$$" "$folder/output.$$"
    "$ROOT/.build/release/websocket-echo" <"$folder/input.$$" >"$folder/output.$$" &
    echo_pid=$!
    exec {echo_input}>"$folder/input.$$"
    read -r port <"$folder/output.$$"
    rm -f "$folder/input.$$" "$folder/output.$$"
    trap stop_echo EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    cat >"$folder/spec.json" <<END
{"outdir": "$folder/reports",
 "servers": [{"agent": "Switchyard", "url": "ws://127.0.0.1:$port/"}],
 "cases": [$(printf '"%s"' "${cases//,/\",\"}")], "exclude-cases": [], "exclude-agent-cases": {}}
END
    with_progress "cases $cases" autobahn timeout 1500 "$folder/venv/bin/wstest" -m fuzzingclient -s "$folder/spec.json"
    judge_autobahn "$folder/reports/index.json" || code=$?
    say "  every exchange: ${folder#"$ROOT"/}/reports/index.html"
    return "$code"
}
