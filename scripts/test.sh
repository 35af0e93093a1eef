# shellcheck shell=bash
# ./dev test: every test, against servers that the tests start themselves.

# Keeps what a reader wants of the runner's output: failures, issues and the closing lines. The lines of
# passing tests stay in the log.
readable_results() {
    local line passed=0 skipping=no
    while IFS= read -r line; do
        # An announcement spans several lines where an argument of the test does.
        if [[ $skipping == yes ]]; then
            if [[ $line == *' started.' || $line == *' passed after '* ]]; then skipping=no; fi
            continue
        fi
        case $line in
            *'Test run with'*) printf '%s\n' "$line" ;;
            ◇*' started.' | ↳*) ;;
            ◇* | '✔ Test case passing'*) [[ $line == *' passed after '* ]] || skipping=yes ;;
            ✔*' passed after'*)
                passed=$((passed + 1))
                if [[ -t 1 ]]; then
                    printf '\r\e[K  … %d passed' "$passed"
                elif ((passed % 100 == 0)); then
                    printf '  … %d passed\n' "$passed"
                fi
                ;;
            *)
                [[ ! -t 1 ]] || printf '\r\e[K'
                printf '%s\n' "${line:0:600}"
                ;;
        esac
    done
    [[ ! -t 1 ]] || printf '\r\e[K'
}

# Tests of rules and encodings: no server, no clock.
PURE_TESTS='^(ASCIIText|Batching|Concurrency|Configuration|Contracts|Cron|Fuzz|JSONBytes|Multipart|NetworkAddresses'
PURE_TESTS+='|Observability|PlatformInternals|URLSafety)Tests\.'

# The services together, but for the proxy under attack: about half of what starts servers, by the time that it takes.
SERVICES_TESTS='^IntegrationTests\.(?!A2AHostilityTests)'

run_tests() { swift test --skip-build --disable-xctest "$@" 2>&1 | tee -a "$LOGS/test.log" | readable_results; }

# One of several parts that run side by side, each with ports of its own. Not by swift test, of which only one runs at a
# time in a folder.
run_part() {
    local name=$1 ports=$2 program=$3
    shift 3
    TEST_PORTS=$ports "$program" --testing-library swift-testing --no-parallel "$@" 2>&1 |
        tee "$LOGS/test-$name.log" | readable_results
}

# Every test. What needs no server runs at once. The others start servers and wait for them more than they work: two parts
# run side by side, in each of them one test after another, so that they say something about the code and not about the
# machine.
run_all_tests() {
    local code=0 services program
    run_tests --filter "$PURE_TESTS" || code=$?
    program=$(swift build --show-bin-path)/switchyardPackageTests.xctest
    # A process group of its own, to be ended as a whole: what runs in the background does not hear of Ctrl-C.
    set -m
    run_part services 15000-23499 "$program" --filter "$SERVICES_TESTS" </dev/null &
    services=$!
    set +m
    # shellcheck disable=SC2064
    trap "kill -- -$services 2>/dev/null || true" EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    run_part parts 23500-31999 "$program" --skip "$PURE_TESTS" --skip "$SERVICES_TESTS" || code=$?
    wait "$services" || code=$?
    trap - EXIT INT TERM HUP
    return "$code"
}

command_test() {
    local started code=0 sanitizer='' release=no options=()
    while (($#)); do
        case $1 in
            --sanitize)
                [[ ${2:-} == thread || ${2:-} == address ]] || die "--sanitize needs thread or address"
                sanitizer=$2 && shift
                ;;
            --release) release=yes ;;
            *) options+=("$1") ;;
        esac
        shift
    done
    if [[ -n $sanitizer ]]; then
        command_test_sanitized "$sanitizer" "${options[@]}"
        return
    fi
    set -- "${options[@]}"
    ensure_setup "${ENGINE_PACKAGES[@]}" "${BROWSER_PACKAGES[@]}"
    ensure_python_packages
    started=$(now_ms)
    export SWITCHYARD_PYTHON=$VENV/bin/python
    cd "$ROOT"
    with_progress "build of services and tests" build-tests swift build --build-tests "${BUILD_OPTIONS[@]}"
    # Of the whole package, as all of its tests.
    (($#)) || with_progress "nothing that only tests use" dead-code check_dead_code
    if [[ $release == yes ]]; then
        build_release
        export SWITCHYARD_PRODUCTS=$ROOT/.build/release
    fi
    say "Running the tests (everything they print is in ${LOGS#"$ROOT"/}/test*.log)"
    rm -f "$LOGS"/test*.log
    if (($#)); then run_tests "$@" || code=$?; else run_all_tests || code=$?; fi
    report_tests "$code" "$started"
}

report_tests() {
    local code=$1 started=$2
    if ((code == 0)); then
        step_done "tests" "$started"
    else
        printf '  %s✗ tests failed%s (%s); the whole output is in %s\n' \
            "$RED" "$PLAIN" "$(elapsed_since "$started")" "${LOGS#"$ROOT"/}/test*.log" >&2
    fi
    return "$code"
}
