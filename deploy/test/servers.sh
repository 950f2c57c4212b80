#!/usr/bin/env bash
# How PostgreSQL, Redis and RabbitMQ are started for tests. with-servers.sh takes its functions from here; a test that kills a
# server of its own runs it:
#
#   PASSWORD=… deploy/test/servers.sh postgres|redis|rabbitmq HOME PORT
#
# becomes that server, on a port of 127.0.0.1, with everything it keeps in the folder HOME; the same again finds what was
# kept. Such a server writes what it promises to the disk: what is killed can be started again and has lost nothing.
# shellcheck disable=SC2317 # prepare_redis, launch_redis and their like are called by a composed name
set -euo pipefail

# Prints the program's path. Debian keeps some beside PATH; its rabbitmq-server in PATH is a wrapper that changes the user.
find_program() {
    local place found=''
    for place in /usr/lib/rabbitmq/bin /usr/lib/postgresql/*/bin; do
        [ ! -x "$place/$1" ] || found=$place/$1
    done
    [ -n "$found" ] || found=$(command -v "$1") || return 1
    echo "$found"
}

free_port() {
    local candidate
    for _ in {1..200}; do
        # Below the range from which the kernel takes ports for outgoing connections.
        candidate=$((20000 + RANDOM % 12000))
        # Nobody answers there: free. Whoever takes it before our server does makes that one end, and it is tried again.
        (exec 3<>"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null || { echo "$candidate"; return; }
    done
    echo "no free port between 20000 and 32000" >&2
    return 1
}

# The server gets the signal when this script dies without a last word (kill -9).
with_us() {
    exec setpriv --pdeathsig "$@"
}

# PostgreSQL refuses to run as root: sets the arguments of setpriv that make it somebody else.
someone_else() {
    local user=nobody
    as_postgres=()
    if [ "$(id -u)" = 0 ]; then
        ! id -u postgres >/dev/null 2>&1 || user=postgres
        as_postgres=("--reuid=$user" "--regid=$(id -gn "$user")" --clear-groups)
    fi
}

# Makes a data folder. What is thrown away with its folder need not be durable, and that is not paid for.
prepare_postgres() {
    local home=$1 secret=$2 durable=$3 owner
    mkdir -p "$home"
    (umask 077 && echo "$secret" >"$home/password")
    someone_else
    for owner in "${as_postgres[@]}"; do
        [[ $owner != --reuid=* ]] || chown -R "${owner#--reuid=}" "$home"
    done
    (cd "$home" && setpriv "${as_postgres[@]}" "$(find_program initdb)" --pgdata="$home/data" --username=hostelpulse \
        --auth=scram-sha-256 --pwfile="$home/password" --encoding=UTF8 --locale=C --no-sync) || return 1
    cat >>"$home/data/postgresql.conf" <<-CONF
		listen_addresses = '127.0.0.1'
		unix_socket_directories = ''
		max_connections = 300
		fsync = $durable
		synchronous_commit = $durable
		full_page_writes = $durable
		timezone = 'UTC'
	CONF
}

launch_postgres() {
    local home=$1
    someone_else
    cd "$home"
    with_us INT "${as_postgres[@]}" "$(find_program postgres)" -D "$home/data" -p "$2"
}

prepare_redis() {
    mkdir -p "$1"
}

launch_redis() {
    local secret=$3 login=()
    [ -z "$secret" ] || login=(--requirepass "$secret")
    cd "$1"
    with_us TERM "$(find_program redis-server)" --bind 127.0.0.1 --port "$2" "${login[@]}" --save '' \
        --appendonly no --daemonize no
}

prepare_rabbitmq() {
    mkdir -p "$1/log"
    : >"$1/environment"
    echo '[].' >"$1/plugins"
}

# Erlang's port mapper is started here and not by Erlang, which would leave it behind.
launch_epmd() {
    ERL_EPMD_ADDRESS=127.0.0.1 with_us TERM "$(find_program epmd)" -port "$1"
}

launch_rabbitmq() {
    local home=$1 secret=$3 epmd_port=$4 node_port
    node_port=$(free_port)
    cd "$home"
    cat >"$home/rabbitmq.conf" <<-CONF
		listeners.tcp.default = 127.0.0.1:$2
		default_user = hostelpulse
		default_pass = $secret
		log.console = true
		log.file = false
	CONF
    # RUNNING_UNDER_SYSTEMD makes the start script become the server instead of guarding it as a child. The data belongs to
    # the node's name, and both to the folder.
    export HOME=$home RUNNING_UNDER_SYSTEMD=true ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$epmd_port \
        RABBITMQ_NODENAME=hp-test@localhost RABBITMQ_DIST_PORT="$node_port" \
        RABBITMQ_CONFIG_FILE=$home/rabbitmq.conf RABBITMQ_CONF_ENV_FILE=$home/environment \
        RABBITMQ_ENABLED_PLUGINS_FILE=$home/plugins RABBITMQ_MNESIA_BASE=$home/data RABBITMQ_LOG_BASE=$home/log \
        RABBITMQ_PID_FILE=$home/pid RABBITMQ_GENERATED_CONFIG_DIR=$home/generated \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
    with_us TERM "$(find_program rabbitmq-server)"
}

become() {
    local server=$1 home=$2 port=$3 secret=${PASSWORD:-} more=()
    if [ ! -e "$home" ]; then
        "prepare_$server" "$home" "$secret" on >&2
    fi
    if [ "$server" = rabbitmq ]; then
        more=("$(free_port)")
        launch_epmd "${more[0]}" >/dev/null 2>&1 </dev/null &
    fi
    "launch_$server" "$home" "$port" "$secret" "${more[@]}"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    [ $# = 3 ] || { echo "usage: PASSWORD=… $0 postgres|redis|rabbitmq HOME PORT" >&2; exit 64; }
    become "$@"
fi
