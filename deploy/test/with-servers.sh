#!/usr/bin/env bash
# Runs a command with PostgreSQL, Redis and RabbitMQ at hand: deploy/test/with-servers.sh COMMAND [ARGUMENT…]
#
# A server whose address is already in HOSTELPULSE_TEST_DATABASE_URL, _CACHE_URL or _BUS_URL is used as it is. The others
# are started for this one run: from the machine's binaries, or from Debian's packages, which are installed when root or
# sudo can. They listen on free ports of 127.0.0.1, keep everything in a temporary folder, and are gone afterwards,
# whatever happened. Any number of runs may stand side by side.
#
# PostgreSQL does not wait for the disk here, unless HOSTELPULSE_TEST_DURABLE is `on`, as it is for measurements.
#
# The command gets the three addresses and HOSTELPULSE_TEST_STORES=servers. It runs in a process group of its own and
# cannot read from the terminal. The exit code is the command's; 77 when a server cannot be had, with one line that says why.
# shellcheck disable=SC2317 # ready_redis and its like are called by a composed name
set -euo pipefail
# How each of them is started.
# shellcheck source=deploy/test/servers.sh
source "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
# Job control: every child leads a process group, so that Ctrl-C reaches this script alone and it stops the others in order.
set -m

readonly START_LIMIT=90 STOP_LIMIT=10 INSTALL_LIMIT=900 START_TRIES=3
folder='' policy='' command_pid=''
declare -A pid=() port=()

main() {
    [ $# -gt 0 ] || { echo "usage: $0 COMMAND [ARGUMENT…]" >&2; exit 64; }
    trap stop_all EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    folder=$(mktemp -d "${TMPDIR:-/tmp}/hostelpulse-test.XXXXXX")
    chmod 711 "$folder"
    # Nobody else's server on the same port can be taken for ours: it does not know the password.
    password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
    readonly folder password

    # RabbitMQ takes longest and boots while PostgreSQL's data folder is made.
    local wanted=()
    [ -n "${HOSTELPULSE_TEST_CACHE_URL:-}" ] || wanted+=(redis)
    [ -n "${HOSTELPULSE_TEST_BUS_URL:-}" ] || wanted+=(rabbitmq)
    [ -n "${HOSTELPULSE_TEST_DATABASE_URL:-}" ] || wanted+=(postgres)
    install_missing "${wanted[@]}"

    local server
    for server in "${wanted[@]}"; do
        "prepare_$server" "$folder/$server" "$password" "${HOSTELPULSE_TEST_DURABLE:-off}" >"$folder/prepare.log" 2>&1 </dev/null || {
            tail -n 5 "$folder/prepare.log" >&2
            cannot "$server could not make its data folder"
        }
        launch "$server"
    done
    for server in "${wanted[@]}"; do await "$server"; done

    export HOSTELPULSE_TEST_STORES=servers
    export HOSTELPULSE_TEST_DATABASE_URL=${HOSTELPULSE_TEST_DATABASE_URL:-postgres://hostelpulse:$password@127.0.0.1:${port[postgres]:-}}
    export HOSTELPULSE_TEST_CACHE_URL=${HOSTELPULSE_TEST_CACHE_URL:-redis://default:$password@127.0.0.1:${port[redis]:-}}
    export HOSTELPULSE_TEST_BUS_URL=${HOSTELPULSE_TEST_BUS_URL:-amqp://hostelpulse:$password@127.0.0.1:${port[rabbitmq]:-}}
    run "$@"
}

# In the background, because bash hears no signal while it waits for a command in the foreground.
run() {
    local code=0
    [ ! -t 0 ] || exec </dev/null
    "$@" <&0 &
    command_pid=$!
    wait "$command_pid" || code=$?
    command_pid=''
    exit "$code"
}

# ---- finding and installing

cannot() {
    echo "with-servers: cannot: $1" >&2
    exit 77
}

has() {
    case $1 in
        postgres) find_program initdb && find_program postgres && find_program pg_isready ;;
        redis) find_program redis-server && find_program redis-cli ;;
        rabbitmq) find_program rabbitmq-server && find_program epmd ;;
    esac >/dev/null
}

install_missing() {
    local server missing=() packages=() root=() log=$folder/install.log
    for server in "$@"; do
        has "$server" && continue
        missing+=("$server")
        case $server in
            postgres) packages+=(postgresql) ;;
            *) packages+=("$server-server") ;;
        esac
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    command -v apt-get >/dev/null || cannot "${missing[*]}: not on this machine, and it has no apt-get to install from"
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || cannot "${missing[*]}: not on this machine, and it cannot be installed (no root, no sudo)"
        root=(sudo -n)
    fi
    echo "with-servers: installing ${packages[*]}" >&2
    # Debian starts what it installs unless this file says no; a machine that has one already keeps its own.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        policy=/usr/sbin/policy-rc.d
        printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
        "${root[@]}" chmod 755 "$policy"
    fi
    local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive timeout "$INSTALL_LIMIT" apt-get -y -o DPkg::Lock::Timeout=300)
    { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${packages[@]}"; } >"$log" 2>&1 </dev/null || {
        tail -n 5 "$log" >&2
        cannot "${missing[*]}: not on this machine, and apt-get could not install ${packages[*]}"
    }
    remove_policy
    for server in "${missing[@]}"; do
        has "$server" || cannot "$server is not found although its package is installed"
    done
}

remove_policy() {
    [ -n "$policy" ] || return 0
    if [ "$(id -u)" = 0 ]; then rm -f "$policy"; else sudo -n rm -f "$policy"; fi
    policy=''
}

# ---- starting

launch() {
    if [ "$1" = rabbitmq ] && [ -z "${pid[epmd]:-}" ]; then launch epmd; fi
    port[$1]=$(free_port) || cannot "$1: no free port"
    case $1 in
        epmd) launch_epmd "${port[epmd]}" ;;
        *) "launch_$1" "$folder/$1" "${port[$1]}" "$password" "${port[epmd]:-}" ;;
    esac >"$folder/$1.log" 2>&1 </dev/null &
    pid[$1]=$!
    disown # no notice when it ends
}

await() {
    local tries=1 deadline=$((SECONDS + START_LIMIT))
    until "ready_$1" "${port[$1]}" >/dev/null 2>&1; do
        if ! kill -0 "${pid[$1]}" 2>/dev/null; then
            if [ "$tries" -ge "$START_TRIES" ]; then
                tail -n 15 "$folder/$1.log" >&2
                echo "with-servers: $1 ended $tries times while it started" >&2
                exit 1
            fi
            tries=$((tries + 1))
            launch "$1"
        elif [ "$SECONDS" -ge "$deadline" ]; then
            tail -n 15 "$folder/$1.log" >&2
            echo "with-servers: $1 was not ready within $START_LIMIT s" >&2
            exit 1
        fi
        sleep 0.1
    done
}

ready_postgres() {
    "$(find_program pg_isready)" --host=127.0.0.1 --port="$1" --timeout=2 && kill -0 "${pid[postgres]}" &&
        grep -qs "^$1$" "$folder/postgres/data/postmaster.pid"
}

ready_redis() {
    [ "$(REDISCLI_AUTH=$password timeout 2 "$(find_program redis-cli)" -h 127.0.0.1 -p "$1" ping)" = PONG ]
}

# Its own log is a surer sign than an open port, and cheaper than rabbitmqctl, which starts a second Erlang.
ready_rabbitmq() {
    grep -q 'Server startup complete' "$folder/rabbitmq.log" && (exec 3<>"/dev/tcp/127.0.0.1/$1")
}

# ---- stopping

# Asks a process group to end, and makes it end when it has not within the limit.
stop() {
    local signal=$1 leader=$2 deadline=$((SECONDS + STOP_LIMIT))
    kill -s "$signal" -- "-$leader" 2>/dev/null || return 0
    while kill -0 -- "-$leader" 2>/dev/null; do
        [ "$SECONDS" -lt "$deadline" ] || { kill -s KILL -- "-$leader" 2>/dev/null || true; break; }
        sleep 0.05
    done
}

stop_all() {
    trap '' HUP INT TERM
    remove_policy
    if [ -n "$command_pid" ]; then
        disown
        stop TERM "$command_pid"
    fi
    # Their data goes with the folder: nothing is worth a slow farewell.
    [ -z "${pid[rabbitmq]:-}" ] || stop KILL "${pid[rabbitmq]}"
    [ -z "${pid[epmd]:-}" ] || stop TERM "${pid[epmd]}"
    [ -z "${pid[redis]:-}" ] || stop TERM "${pid[redis]}"
    [ -z "${pid[postgres]:-}" ] || stop QUIT "${pid[postgres]}"
    [ -z "$folder" ] || rm -rf "$folder"
}

main "$@"
