# shellcheck shell=bash
# ./dev fuzz [name ...] [--seconds N]: the targets below Fuzz/ under libFuzzer, with the address sanitizer.

FUZZ_BUILD=$ROOT/.build/fuzz
FUZZ_STATE=$STATE/fuzz

fuzz_names() { (cd "$ROOT/Fuzz" && for folder in */corpus; do printf '%s\n' "${folder%/corpus}"; done); }

# The libraries with the coverage that libFuzzer follows, optimised, and with the assertions of a debug build. SwiftPM
# gives every executable a main function, and libFuzzer brings its own: so what it compiled is linked here.
build_fuzzer() {
    cd "$ROOT"
    SWITCHYARD_LIBRARIES_ONLY=1 swift build -c release --scratch-path "$FUZZ_BUILD" --target FuzzTargets \
        -Xswiftc -sanitize=fuzzer,address -Xswiftc -assert-config -Xswiftc Debug
    local objects libraries
    mapfile -t objects < <(find "$FUZZ_BUILD/release/" -path '*.build/*' -name '*.o')
    read -ra libraries < <(pkg-config --libs "$LLHTTP_PC" libuv libcares librabbitmq libcurl yaml-0.1 zlib)
    swiftc -use-ld=lld -sanitize=fuzzer,address "${objects[@]}" "${libraries[@]}" -o "$FUZZ_BUILD/fuzz"
}

# What is found is kept in .dev/fuzz/<name>/found and used the next time, too; the corpus in the tree stays as it is.
fuzz_one() {
    local name=$1 seconds=$2 folder=$FUZZ_STATE/$1 code=0
    local options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=2048 -print_final_stats=1)
    mkdir -p "$folder/found"
    rm -f "$folder"/input-*
    [[ ! -e $ROOT/Fuzz/$name/words.dict ]] || options+=(-dict="$ROOT/Fuzz/$name/words.dict")
    # libFuzzer reports a crash itself; Swift's own report would only stand in its way.
    FUZZ_TARGET=$name SWIFT_BACKTRACE=enable=no "$FUZZ_BUILD/fuzz" "${options[@]}" \
        -artifact_prefix="$folder/input-" "$folder/found" "$ROOT/Fuzz/$name/corpus" \
        >"$LOGS/fuzz-$name.log" 2>&1 </dev/null || code=$?
    report_fuzz "$name" "$code"
}

report_fuzz() {
    local name=$1 code=$2 log=$LOGS/fuzz-$1.log input coverage
    coverage=$(grep -aoE 'cov: [0-9]+' "$log" | tail -n 1 | cut -d ' ' -f 2 || true)
    # Inputs are made up blindly without it, and little is found.
    if ((code == 0)) && [[ -z $coverage ]]; then
        echo "SUMMARY: the targets were compiled without coverage" >>"$log"
        code=1
    fi
    if ((code == 0)); then
        printf '  %s✓%s %s: %s inputs, coverage %s\n' "$GREEN" "$PLAIN" "$name" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$coverage"
        return 0
    fi
    printf '  %s✗ %s%s (code %d); all it said is in %s\n' "$RED" "$name" "$PLAIN" "$code" "${log#"$ROOT"/}"
    grep -aE -m 5 'Fatal error|ERROR: |SUMMARY: ' "$log" | cut -c 1-600 | sed 's/^/      /'
    for input in "$FUZZ_STATE/$name"/input-*; do
        [[ ! -e $input ]] || printf '      once more: SWIFT_BACKTRACE=enable=no FUZZ_TARGET=%s %s %s\n' \
            "$name" "${FUZZ_BUILD#"$ROOT"/}/fuzz" "${input#"$ROOT"/}"
    done
    return "$code"
}

command_fuzz() {
    local names=() known seconds=60 name code=0 running=()
    while (($#)); do
        case $1 in
            --seconds) seconds=${2:?--seconds needs a number} && shift ;;
            -*) die "unknown option: $1" ;;
            *) names+=("$1") ;;
        esac
        shift
    done
    [[ $seconds =~ ^[1-9][0-9]*$ ]] || die "--seconds needs a number, not $seconds"
    mapfile -t known < <(fuzz_names)
    ((${#names[@]})) || names=("${known[@]}")
    for name in "${names[@]}"; do
        [[ " ${known[*]} " == *" $name "* ]] || die "there is no fuzz target $name; there are: ${known[*]}"
    done
    ensure_setup
    with_progress "fuzzer" build-fuzz build_fuzzer
    say "Fuzzing ${names[*]}, $seconds s each, two at a time"
    # A process group of its own each, to be ended as a whole.
    trap '((${#running[@]} == 0)) || kill -- "${running[@]/#/-}" 2>/dev/null || true' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    for name in "${names[@]}"; do
        if ((${#running[@]} == 2)); then
            wait "${running[0]}" || code=$?
            running=("${running[1]}")
        fi
        set -m
        fuzz_one "$name" "$seconds" &
        set +m
        running+=($!)
    done
    while ((${#running[@]})); do
        wait "${running[0]}" || code=$?
        running=("${running[@]:1}")
    done
    trap - EXIT INT TERM HUP
    return "$code"
}
