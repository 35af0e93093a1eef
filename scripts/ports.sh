# shellcheck shell=bash
# Checks before starting whether the ports are free, and names the holder of one that is not.

# "variable port name" for every listener of the stack; the name is that of its process.
wanted_ports() {
    local store instance variable
    echo "PORT $PORT gateway"
    for instance in $(all_instances); do
        variable=${instance%.*}
        variable=${variable^^}
        echo "${variable//-/_}_PORT $(service_port "$instance") $instance"
    done
    for store in $(wanted_stores); do
        case $store in
            epmd) variable=RABBITMQ_EPMD_PORT ;;
            *) variable=${store^^}_PORT ;;
        esac
        echo "$variable $(store_port "$store") $store"
    done
    if [[ $OWN_RABBITMQ == yes ]]; then echo "RABBITMQ_DIST_PORT $RABBITMQ_DIST_PORT rabbitmq"; fi
    if [[ $DEMO == yes ]]; then
        local n
        for n in 1 2 3; do echo "DEMO_AGENT_PORT $((DEMO_AGENT_PORT + n - 1)) demo-agent-$n"; done
    fi
}

# "nginx (pid 12)", or nothing when the port is free.
holder_of_port() {
    local line
    line=$(ss -Hltnp "sport = :$1" 2>/dev/null | head -n 1)
    [[ -n $line ]] || return 0
    if [[ $line =~ \(\(\"([^\"]+)\",pid=([0-9]+) ]]; then
        printf '%s (pid %s)' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
    else
        printf 'another user'"'"'s process'
    fi
}

check_ports() {
    local variable port name holder
    local problems=()
    local -A seen=()
    while read -r variable port name; do
        if [[ -n ${seen[$port]:-} ]]; then
            problems+=("port $port is wanted twice, for ${seen[$port]} and $name: set $variable to another one")
        fi
        seen[$port]=$name
        if is_alive "$name"; then continue; fi
        holder=$(holder_of_port "$port")
        [[ -z $holder ]] || problems+=("port $port for $name is taken by $holder: set $variable to a free one")
    done < <(wanted_ports)
    ((${#problems[@]} == 0)) || die "cannot start:$(printf '\n  %s' "${problems[@]}")"
}
