# shellcheck shell=bash
# Installs from Debian what is missing, and nothing that is there already.

BUILD_PACKAGES=(
    gcc binutils libc6-dev libstdc++-12-dev pkgconf
    libuv1-dev libc-ares-dev libpq-dev librabbitmq-dev libhiredis-dev libcurl4-openssl-dev libssl-dev libwslay-dev
    libyaml-dev libjemalloc-dev zlib1g-dev
)
# tzdata: the scheduler's time zones.
SERVER_PACKAGES=(tzdata postgresql rabbitmq-server redis-server redis-tools nginx)
# A container engine for the tests of provisioning. The recommended crun does not start on every kernel.
ENGINE_PACKAGES=(podman runc netavark aardvark-dns iptables busybox-static)
# A browser and its driver for the tests of the console.
BROWSER_PACKAGES=(chromium chromium-driver)
# What the notifier's fan-out is measured against.
BENCH_PACKAGES=(nats-server libnginx-mod-nchan)
TOOL_PACKAGES=(python3 python3-venv python3-pip ca-certificates curl iproute2 procps util-linux)

# System services that those packages bring; ones we installed are neither started nor left enabled.
SYSTEM_SERVICES=(postgresql rabbitmq-server redis-server nginx nats-server)

missing_packages() {
    local package
    for package in "$@"; do
        # libstdc++'s version follows the release; any installed one serves.
        if [[ $package == libstdc++-* ]] && compgen -G '/usr/lib/gcc/*/*/libstdc++.so' >/dev/null; then continue; fi
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s\n' "$package"
    done
}

require_swift() {
    command -v swift >/dev/null || die "swift is not in the path; install Swift 6.3 (https://www.swift.org/install) first"
    local version
    version=$(swift --version 2>/dev/null | grep -oE 'Swift version [0-9]+\.[0-9]+' | grep -oE '[0-9.]+$' || true)
    [[ $(printf '%s\n' 6.2 "$version" | sort -V | head -n 1) == 6.2 ]] || die "Swift ${version:-?} is too old; 6.3 is needed"
}

# Packages start their services when they are configured unless a policy says no. The policy is this script's for
# the time of the installation only; one that exists already is the machine's owner's and stays.
install_packages() {
    local policy=/usr/sbin/policy-rc.d ours=no code=0
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\n# Written by ./dev for one installation: start nothing.\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        ours=yes
    fi
    # A private cluster is all that is wanted of PostgreSQL.
    if [[ ! -e /etc/postgresql-common/createcluster.conf && " $* " == *" postgresql "* ]]; then
        as_root mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "$@" || code=$?
    [[ $ours == no ]] || as_root rm -f "$policy"
    return "$code"
}

update_package_lists() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
}

# The names of our system services whose package is about to be installed.
services_of() {
    local service
    for service in "${SYSTEM_SERVICES[@]}"; do
        if [[ " $* " == *" $service "* ]]; then printf '%s\n' "$service"; fi
    done
    # Erlang's port mapper comes with RabbitMQ.
    if [[ " $* " == *" rabbitmq-server "* ]]; then echo epmd; fi
    # Podman's package brings units that start or update containers of the machine's.
    if [[ " $* " == *" podman "* ]]; then
        printf '%s\n' podman.socket podman.service podman-restart.service podman-auto-update.timer
    fi
}

leave_disabled() {
    local service unit
    for service in "$@"; do
        unit=$service
        [[ $unit == *.* ]] || unit=$service.service
        if [[ -e /etc/init.d/$service ]]; then as_root update-rc.d "$service" disable; fi
        if command -v systemctl >/dev/null; then as_root systemctl --quiet disable "$unit" || true; fi
    done
}

ensure_packages() {
    local missing services
    command -v apt-get >/dev/null || die "this script installs Debian packages, and there is no apt-get here"
    mapfile -t missing < <(missing_packages "${BUILD_PACKAGES[@]}" "${SERVER_PACKAGES[@]}" "${TOOL_PACKAGES[@]}" "$@")
    ((${#missing[@]} > 0)) || return 0
    if ((EUID != 0)); then
        command -v sudo >/dev/null || die "missing packages: ${missing[*]}; run this once as root, or install sudo"
        sudo -v || die "sudo is needed once, to install: ${missing[*]}"
    fi
    say "Installing ${#missing[@]} packages: ${missing[*]}"
    mapfile -t services < <(services_of "${missing[@]}")
    with_progress "package lists" apt-update update_package_lists
    with_progress "packages" apt-install install_packages "${missing[@]}"
    ((${#services[@]} == 0)) || with_progress "system services left off" apt-services leave_disabled "${services[@]}"
}
