# shellcheck shell=bash
# ./dev test --sanitize thread|address: the libraries' tests in a build that watches itself.

# Tests of what a sanitizer cannot say anything about: containers are another program's, the rebinding of names is tried
# by a program that belongs to a service, and the time that a look at a body takes is not what it is without.
UNSANITIZED_TESTS='^(ProvisioningTests\.|UVHTTPClientTests\..*RebindingTests|ContractsTests\.BodyShapeTests)'

# Usage: build_sanitized <kind> <folder>
build_sanitized() {
    local kind=$1 folder=$2 options=()
    cd "$ROOT"
    mkdir -p "$folder"
    if [[ $kind == thread ]]; then
        # The toolchain's clang, which knows Swift's calling convention.
        clang -g -O1 -Wall -Werror -c scripts/sanitize/mutex.c -o "$folder/mutex.o"
        options+=(-Xlinker "$folder/mutex.o")
    fi
    SWITCHYARD_LIBRARIES_ONLY=1 swift build --build-tests --sanitize "$kind" --scratch-path "$folder" "${options[@]}"
}

# What the sanitizers found goes into files of its own; any of it fails the run.
run_sanitized() {
    local kind=$1 folder=$2 code=0 report
    shift 2
    rm -f "$LOGS/sanitize-$kind".*
    export TSAN_OPTIONS="log_path=$LOGS/sanitize-thread exitcode=66 second_deadlock_stack=1 history_size=4"
    # Leaks are not looked for: what the Swift runtime allocates once stays until the end.
    export ASAN_OPTIONS="log_path=$LOGS/sanitize-address detect_leaks=0 detect_stack_use_after_return=1"
    run_part "sanitize-$kind" "${TEST_PORTS:-15000-31999}" "$folder/debug/switchyardPackageTests.xctest" \
        --skip "$UNSANITIZED_TESTS" "$@" || code=$?
    for report in "$LOGS/sanitize-$kind".*; do
        [[ -e $report ]] || continue
        printf '  %s✗%s %s\n' "$RED" "$PLAIN" "${report#"$ROOT"/}"
        grep -aE '^SUMMARY: ' "$report" | sort | uniq -c | sort -rn | head -n 20
        ((code)) || code=66
    done
    return "$code"
}

# Usage: command_test_sanitized <kind> [option of the test runner ...]
command_test_sanitized() {
    local kind=$1 folder=$ROOT/.build/$1 started code=0
    shift
    ensure_setup
    ensure_python_packages
    export SWITCHYARD_PYTHON=$VENV/bin/python
    with_progress "build of the libraries with the $kind sanitizer" "build-$kind" build_sanitized "$kind" "$folder"
    started=$(now_ms)
    say "Running the tests (everything they print is in ${LOGS#"$ROOT"/}/test-sanitize-$kind.log)"
    run_sanitized "$kind" "$folder" "$@" || code=$?
    report_tests "$code" "$started"
}
