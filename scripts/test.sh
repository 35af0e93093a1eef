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
PURE_TESTS='^(JSONBytes|Contracts|Batching|SafeURL|WorkspaceTree|Cron|Multipart)Tests\.'

run_tests() { swift test --skip-build --disable-xctest "$@" 2>&1 | tee -a "$log" | readable_results; }

command_test() {
    local started log code=0
    ensure_setup "${ENGINE_PACKAGES[@]}" "${BROWSER_PACKAGES[@]}"
    ensure_python_packages
    started=$(now_ms)
    log=$LOGS/test.log
    export SWITCHYARD_PYTHON=$VENV/bin/python
    cd "$ROOT"
    with_progress "build of services and tests" build-tests swift build --build-tests
    say "Running the tests (everything they print is in ${log#"$ROOT"/})"
    : >"$log"
    if (($#)); then
        run_tests "$@" || code=$?
    else
        # What needs no server runs side by side. The others start servers, measure time and fill both cores by
        # themselves: one after another they say something about the code and not about the machine.
        run_tests --filter "$PURE_TESTS" || code=$?
        run_tests --no-parallel --skip "$PURE_TESTS" || code=$?
    fi
    if ((code == 0)); then
        step_done "tests" "$started"
    else
        printf '  %s✗ tests failed%s (%s); the whole output is in %s\n' \
            "$RED" "$PLAIN" "$(elapsed_since "$started")" "${log#"$ROOT"/}" >&2
    fi
    return "$code"
}
