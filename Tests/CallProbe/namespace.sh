#!/bin/bash
# Runs a command in a network of its own: a loopback device that also has a public and a private address, a DNS server
# of the test, and nothing else. Its changes in /etc are not visible outside.
# Usage: namespace.sh <folder> <command> [argument ...]
set -euo pipefail

if [[ ${1:-} != inside ]]; then
    as_root=()
    [[ $EUID == 0 ]] || as_root=(--map-root-user)
    exec unshare "${as_root[@]}" --net --mount --propagation private "${BASH:-bash}" "$0" inside "$@"
fi
folder=$2
shift 2

ip link set lo up
ip address add 93.184.216.34/32 dev lo
ip address add 10.99.0.1/32 dev lo
printf 'nameserver 127.0.0.1\noptions timeout:2 attempts:2\n' >"$folder/resolv.conf"
printf 'hosts: files dns\n' >"$folder/nsswitch.conf"
for file in resolv.conf nsswitch.conf; do mount --bind "$folder/$file" "/etc/$file"; done
# A cache of names that runs outside would be asked through its socket.
if [[ -d /run/nscd ]]; then mount -t tmpfs none /run/nscd; fi

python3 -u "$(dirname "$0")/servers.py" "$folder" &
servers=$!
until [[ -e $folder/ready ]]; do
    kill -0 "$servers"
    sleep 0.02
done
code=0
"$@" || code=$?
kill "$servers"
exit "$code"
