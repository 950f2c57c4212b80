#!/usr/bin/env bash
# Runs a command with PostgreSQL, Redis and RabbitMQ at hand: deploy/test/with-servers.sh COMMAND [ARGUMENT…]
#
# A server whose address is already in HOSTELPULSE_TEST_DATABASE_URL, _CACHE_URL or _BUS_URL is used as it is. The others
# are started for this one run: from the machine's binaries, or from Debian's packages, which are installed when root or
# sudo can. They listen on free ports of 127.0.0.1, keep everything in a temporary folder, and are gone afterwards,
# whatever happened. Any number of runs may stand side by side.
#
# PostgreSQL does not wait for the disk here, unless HOSTELPULSE_TEST_DURABLE is set: measurements set it.
#
# The command gets the three addresses and HOSTELPULSE_TEST_STORES=servers. It runs in a process group of its own and
# cannot read from the terminal. The exit code is the command's; 77 when a server cannot be had, with one line that says why.
# shellcheck disable=SC2317 # prepare_redis, launch_redis, ready_redis and their like are called by a composed name
set -euo pipefail
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
        "prepare_$server"
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

# Prints the program's path. Debian keeps some beside PATH; its rabbitmq-server in PATH is a wrapper that changes the user.
find_program() {
    local place found=''
    for place in /usr/lib/rabbitmq/bin /usr/lib/postgresql/*/bin; do
        [ ! -x "$place/$1" ] || found=$place/$1
    done
    [ -n "$found" ] || found=$(command -v "$1") || return 1
    echo "$found"
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

free_port() {
    local candidate
    for _ in {1..200}; do
        # Below the range from which the kernel takes ports for outgoing connections.
        candidate=$((20000 + RANDOM % 12000))
        # Nobody answers there: free. Whoever takes it before our server does makes that one end, and it is tried again.
        (exec 3<>"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null || { echo "$candidate"; return; }
    done
    cannot "no free port between 20000 and 32000"
}

launch() {
    port[$1]=$(free_port)
    "launch_$1" "${port[$1]}" >"$folder/$1.log" 2>&1 </dev/null &
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

# The server gets the signal when this script dies without a last word (kill -9).
with_us() {
    exec setpriv --pdeathsig "$@"
}

prepare_postgres() {
    local home=$folder/postgres user=nobody
    mkdir "$home"
    (umask 077 && echo "$password" >"$home/password")
    as_postgres=()
    # PostgreSQL refuses to run as root.
    if [ "$(id -u)" = 0 ]; then
        ! id -u postgres >/dev/null 2>&1 || user=postgres
        chown -R "$user" "$home"
        as_postgres=("--reuid=$user" "--regid=$(id -gn "$user")" --clear-groups)
    fi
    (cd "$home" && setpriv "${as_postgres[@]}" "$(find_program initdb)" --pgdata="$home/data" --username=hostelpulse \
        --auth=scram-sha-256 --pwfile="$home/password" --encoding=UTF8 --locale=C --no-sync) \
        >"$folder/initdb.log" 2>&1 </dev/null || {
        tail -n 5 "$folder/initdb.log" >&2
        cannot "PostgreSQL could not make its data folder"
    }
    cat >>"$home/data/postgresql.conf" <<-CONF
		listen_addresses = '127.0.0.1'
		unix_socket_directories = ''
		max_connections = 300
		timezone = 'UTC'
	CONF
    # Durability is thrown away with the folder, so tests do not pay for it; what is measured does.
    [ -n "${HOSTELPULSE_TEST_DURABLE:-}" ] || cat >>"$home/data/postgresql.conf" <<-CONF
		fsync = off
		synchronous_commit = off
		full_page_writes = off
	CONF
}

launch_postgres() {
    cd "$folder/postgres"
    with_us INT "${as_postgres[@]}" "$(find_program postgres)" -D "$folder/postgres/data" -p "$1"
}

ready_postgres() {
    "$(find_program pg_isready)" --host=127.0.0.1 --port="$1" --timeout=2 && kill -0 "${pid[postgres]}" &&
        grep -qs "^$1$" "$folder/postgres/data/postmaster.pid"
}

prepare_redis() {
    mkdir "$folder/redis"
}

launch_redis() {
    cd "$folder/redis"
    with_us TERM "$(find_program redis-server)" --bind 127.0.0.1 --port "$1" --requirepass "$password" --save '' \
        --appendonly no --daemonize no
}

ready_redis() {
    [ "$(REDISCLI_AUTH=$password timeout 2 "$(find_program redis-cli)" -h 127.0.0.1 -p "$1" ping)" = PONG ]
}

prepare_rabbitmq() {
    mkdir -p "$folder/rabbitmq/log"
    : >"$folder/rabbitmq/environment"
    echo '[].' >"$folder/rabbitmq/plugins"
    # Erlang's port mapper is started here and not by Erlang, which would leave it behind.
    port[epmd]=$(free_port)
    ERL_EPMD_ADDRESS=127.0.0.1 setpriv --pdeathsig TERM "$(find_program epmd)" -port "${port[epmd]}" >"$folder/epmd.log" 2>&1 </dev/null &
    pid[epmd]=$!
    disown
}

launch_rabbitmq() {
    local home=$folder/rabbitmq node_port
    node_port=$(free_port)
    cd "$home"
    cat >"$home/rabbitmq.conf" <<-CONF
		listeners.tcp.default = 127.0.0.1:$1
		default_user = hostelpulse
		default_pass = $password
		log.console = true
		log.file = false
	CONF
    # RUNNING_UNDER_SYSTEMD makes the start script become the server instead of guarding it as a child.
    export HOME=$home RUNNING_UNDER_SYSTEMD=true ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=${port[epmd]} \
        RABBITMQ_NODENAME=hp-test-$$@localhost RABBITMQ_DIST_PORT="$node_port" \
        RABBITMQ_CONFIG_FILE=$home/rabbitmq.conf RABBITMQ_CONF_ENV_FILE=$home/environment \
        RABBITMQ_ENABLED_PLUGINS_FILE=$home/plugins RABBITMQ_MNESIA_BASE=$home/data RABBITMQ_LOG_BASE=$home/log \
        RABBITMQ_PID_FILE=$home/pid RABBITMQ_GENERATED_CONFIG_DIR=$home/generated \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
    with_us TERM "$(find_program rabbitmq-server)"
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
