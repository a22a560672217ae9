# Private PostgreSQL and Redis for one run, in $TMP, on ports of their own: sourced by `tests/run` and
# `tests/bench/run`. Whatever is started here is stopped by `clean_up`, and nothing else.

# Sets PG to the newest folder of PostgreSQL programs, 15 or later.
find_postgres() {
    for bin in "$(dirname "$(readlink -f "$(command -v pg_ctl)")")" /usr/lib/postgresql/*/bin; do
        [[ -x $bin/initdb && $("$bin/initdb" --version) =~ ([0-9]+) ]] || continue
        if ((BASH_REMATCH[1] >= 15)); then PG=$bin; fi
    done
    [[ -n ${PG:-} ]]
}

die() { echo "$0: $*" >&2 && exit 1; }

# install_missing BACKEND…: a C compiler, and for the postgres backend its services.
install_missing() {
    local missing=() sudo=()
    command -v cc >/dev/null || missing+=(gcc libc6-dev)
    if [[ " $* " == *" postgres "* ]]; then
        find_postgres || missing+=(postgresql)
        command -v redis-server >/dev/null || missing+=(redis-server)
    fi
    if ((${#missing[@]})); then
        command -v apt-get >/dev/null || die "please install ${missing[*]} (PostgreSQL 15 or newer)"
        ((EUID == 0)) || sudo=(sudo)
        {
            "${sudo[@]}" apt-get update -q
            "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
                apt-get install -qy --no-install-recommends "${missing[@]}"
        } >&2
    fi
    if [[ " $* " == *" postgres "* ]]; then find_postgres || die "PostgreSQL 15 or newer is needed"; fi
}

# Starts a command in the background, its id in $!. `set -m` gives it a process group of its own,
# so that stopping it stops what it started.
start() {
    set -m
    "$@" &
    set +m
}
# Runs a command to its end. Bash answers a signal during `wait`, but not during a plain call.
watched() { start "$@" && wait $!; }

wait_until() {
    local tries=$(($1 * 10))
    until "${@:2}" >/dev/null 2>&1; do
        ((tries-- > 0)) || return 1
        sleep 0.1
    done
}

signal_jobs() { for group in $(jobs -p); do kill "-$1" -- "-$group"; done; }
no_jobs() { [[ -z $(jobs -pr) ]]; }

# SIGTERM ends what measures, and Redis; SIGINT is PostgreSQL's fast shutdown.
clean_up() {
    set +e
    trap '' INT TERM HUP
    signal_jobs TERM
    signal_jobs INT
    wait_until 20 no_jobs || signal_jobs KILL
    wait
    rm -rf "$TMP"
} 2>/dev/null

# A port where nobody answers, below the range from which outgoing connections take theirs.
free_port() {
    for port in $(shuf -i 20000-32000 -n 50); do
        (echo >"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port" && return; }
    done
    die "no free port"
}

# start_postgres SETTING…: sets PG_PORT.
start_postgres() {
    local dir=$TMP/pg user=postgres as_user=(env --chdir="$TMP/pg") log=$TMP/pg.log
    mkdir "$dir"
    if ((EUID == 0)); then # PostgreSQL refuses to run as root.
        id "$user" >/dev/null 2>&1 || user=nobody
        chown "$user" "$dir" && chmod 711 "$TMP"
        as_user+=(setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups)
    fi
    "${as_user[@]}" "$PG/initdb" -D "$dir/data" -U postgres -A trust --locale=C --encoding=UTF8 \
        --no-sync >"$log" 2>&1 || die "$(cat "$log")"
    PG_PORT=$(free_port)
    start "${as_user[@]}" "$PG/postgres" -D "$dir/data" -h 127.0.0.1 -p "$PG_PORT" -k "$dir" \
        "${@/#/--}" >>"$log" 2>&1
    wait_until 30 "$PG/pg_isready" -h 127.0.0.1 -p "$PG_PORT" || die "$(cat "$log")"
}

# Sets REDIS_PORT.
start_redis() {
    REDIS_PORT=$(free_port)
    start redis-server --bind 127.0.0.1 --port "$REDIS_PORT" --dir "$TMP" --save "" \
        --appendonly no >"$TMP/redis.log" 2>&1
    wait_until 30 redis-cli -p "$REDIS_PORT" ping || die "$(cat "$TMP/redis.log")"
}
