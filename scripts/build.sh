# shellcheck shell=bash
# Builds, checks and tests.

SWIFT_FOLDERS=(Libraries Services Migrations Examples Benchmarks Tests Package.swift)

build_release() {
    with_progress "release build" build swift build -c release --package-path "$ROOT"
}

# Files of the project as git knows them, or as they lie there when this is no git checkout.
project_files() {
    if git -C "$ROOT" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git -C "$ROOT" ls-files --cached --others --exclude-standard
    else
        (cd "$ROOT" && find . \( -name .build -o -name .dev -o -name .git \) -prune -o -type f -printf '%P\n')
    fi
}

shell_files() {
    local file
    while read -r file; do
        if [[ -f $ROOT/$file ]] && head -c 64 "$ROOT/$file" | head -n 1 | tr -d '\0' | grep -qE '^#!.*\bbash\b|^# shellcheck shell=bash'; then
            printf '%s\n' "$file"
        fi
    done < <(project_files)
}

check_format() {
    cd "$ROOT" && swift format lint --strict --recursive --parallel "${SWIFT_FOLDERS[@]}"
}

check_shell() {
    local files
    cd "$ROOT"
    mapfile -t files < <(shell_files)
    local file
    for file in "${files[@]}"; do bash -n "$file"; done
    if command -v shellcheck >/dev/null; then
        # Files without a first line "#!" are parts, read where they are sourced: alone they would seem full of
        # unused variables.
        local programs
        mapfile -t programs < <(grep -lE '^#!' "${files[@]}")
        shellcheck --external-sources --severity=style "${programs[@]}"
    else
        echo "shellcheck is not installed: only the syntax was checked"
    fi
}

check_python() {
    local files
    cd "$ROOT"
    mapfile -t files < <(project_files | grep '\.py$')
    ((${#files[@]} == 0)) || "$VENV/bin/python" - "${files[@]}" <<'END'
import ast, sys
for name in sys.argv[1:]:
    ast.parse(open(name, encoding="utf-8").read(), name)
END
}

# No conflict markers, no blanks at line ends, no carriage returns, and a newline at the end of every text.
check_text() {
    local file bad=0
    cd "$ROOT"
    while read -r file; do
        [[ -f $file && -s $file && $file != LICENSE ]] || continue
        grep -qI . "$file" || continue
        if grep -nHE '[[:blank:]]+$|'$'\r''$|^(<<<<<<<|>>>>>>>) ' "$file"; then bad=1; fi
        if [[ -n $(tail -c 1 "$file") ]]; then
            echo "$file: no newline at the end"
            bad=1
        fi
    done < <(project_files)
    return "$bad"
}

command_check() {
    ensure_setup
    with_progress "text files" check-text check_text
    with_progress "shell scripts" check-shell check_shell
    with_progress "Python files" check-python check_python
    with_progress "gateway configuration" check-gateway check_gateway
    with_progress "Swift format" check-format check_format
    with_progress "build without a warning" check-build swift build --build-tests --package-path "$ROOT"
    say "${GREEN}All checks passed.${PLAIN}"
}

command_fmt() {
    require_swift
    cd "$ROOT"
    swift format --in-place --recursive --parallel "${SWIFT_FOLDERS[@]}"
    say "Formatted."
}
