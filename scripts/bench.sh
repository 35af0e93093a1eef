# shellcheck shell=bash
# ./dev bench [name]: the programs under Benchmarks/, each of which prints its own table.

command_bench() {
    ensure_setup
    build_release
    export BINARIES VENV
    cd "$ROOT"
    [[ -x Benchmarks/run ]] || die "there is no Benchmarks/run"
    exec Benchmarks/run "$@"
}
