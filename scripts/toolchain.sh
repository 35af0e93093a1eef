# shellcheck shell=bash
# What Debian has not: a current llhttp (into .dev/prefix) and the Python packages of the example agent and the tests
# (into .dev/venv). Both are built once and found again by a stamp.

# llhttp's C sources come inside the source archive of a Python package, checked by this sum.
LLHTTP_CARRIER=httptools==0.9.0
LLHTTP_ARCHIVE=httptools-0.9.0.tar.gz
LLHTTP_SHA256=d484ebb7e3a3f3597b0f645fbd1b85633674ca808c1f5ba11c2caf7c66f5c8b6
LLHTTP_VERSION=9.4.3

make_venv() {
    rm -rf "$VENV"
    # The distribution's own Python first: others in the path may lack ensurepip.
    local python
    for python in /usr/bin/python3 python3; do
        if "$python" -m venv "$VENV"; then return 0; fi
    done
    return 1
}

PYTHON_REQUIREMENTS=("$ROOT/Examples/PythonAgent/requirements.txt" "$ROOT/Tests/Python/requirements.txt")

install_python_packages() {
    "$VENV/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps \
        "${PYTHON_REQUIREMENTS[@]/#/--requirement=}"
    # Of the package that brings axe-core nothing else is used: its own need is left out.
    { "$VENV/bin/python" -m pip check --disable-pip-version-check || true; } |
        { ! grep -vE '^(No broken requirements found\.|axe-playwright-python .* requires playwright, .*)$'; }
}

ensure_venv() {
    if [[ ! -x $VENV/bin/python ]] || ! "$VENV/bin/python" -c '' 2>/dev/null; then
        with_progress "Python environment" venv make_venv
    fi
}

# For the demo, the tests and the benchmarks; the platform itself runs without.
ensure_python_packages() {
    local stamp wanted
    ensure_venv
    stamp=$VENV/.requirements.sha256
    wanted=$(cat "${PYTHON_REQUIREMENTS[@]}" | sha256sum)
    if [[ $(cat "$stamp" 2>/dev/null) != "$wanted" ]]; then
        with_progress "Python packages" pip install_python_packages
        printf '%s' "$wanted" >"$stamp"
    fi
}

build_llhttp() {
    local work=$STATE/llhttp source object
    rm -rf "$work"
    mkdir -p "$work" "$PREFIX/lib/pkgconfig" "$PREFIX/include"
    cd "$work"
    "$VENV/bin/python" -m pip download --disable-pip-version-check --quiet --no-deps --no-binary :all: "$LLHTTP_CARRIER"
    sha256sum --check <<<"$LLHTTP_SHA256  $LLHTTP_ARCHIVE"
    tar -xzf "$LLHTTP_ARCHIVE" --strip-components=1
    for source in vendor/llhttp/src/*.c; do
        object=$(basename "${source%.c}").o
        cc -O3 -fPIC -Ivendor/llhttp/include -c "$source" -o "$object"
    done
    ar rcs libllhttp.a ./*.o
    install -m 644 libllhttp.a "$PREFIX/lib/libllhttp.a"
    install -m 644 vendor/llhttp/include/llhttp.h "$PREFIX/include/llhttp.h"
    cat >"$LLHTTP_PC" <<END
prefix=$PREFIX
Name: libllhttp
Description: HTTP/1 parser
Version: $LLHTTP_VERSION
Libs: -L\${prefix}/lib -lllhttp
Cflags: -I\${prefix}/include
END
    rm -rf "$work"
}

# What Package.swift names: found by SwiftPM without an exported PKG_CONFIG_PATH, also from an editor.
LLHTTP_PC=$PREFIX/lib/pkgconfig/libllhttp.pc

# Debian 12 has no usable llhttp (8.1 accepts obs-folded headers); a later release's 9.x is taken as it is.
# A prefix copied along with the checkout from elsewhere names the wrong folder and is built anew.
ensure_llhttp() {
    local system
    if pkg-config --atleast-version=9.0 "$LLHTTP_PC" 2>/dev/null &&
        [[ -e $(pkg-config --variable=prefix "$LLHTTP_PC")/include/llhttp.h ]]; then
        return 0
    fi
    if pkg-config --atleast-version=9.0 libllhttp 2>/dev/null; then
        system=$(pkg-config --variable=pcfiledir libllhttp)/libllhttp.pc
        mkdir -p "${LLHTTP_PC%/*}"
        cp "$system" "$LLHTTP_PC"
        return 0
    fi
    with_progress "llhttp $LLHTTP_VERSION" llhttp build_llhttp
}

# Everything a build or a test needs, on a machine that may have nothing yet.
ensure_setup() {
    make_state_folders
    raise_file_limit
    require_swift
    ensure_packages "$@"
    ensure_venv
    ensure_llhttp
}
