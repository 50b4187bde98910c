#!/bin/sh
# restore.sh BACKUP [--sessions]: puts back what backup.sh wrote. chatgate.target and redis-server are stopped.
# It restores accounts, secrets and configuration, and every reader signs in again. With --sessions readers stay
# signed in, those included who signed out after the backup was made: see docs/deploying.md.
set -eu
umask 077
etc="${ETC:-/etc/chatgate}"
state="${STATE:-/var/lib/chatgate}"
redis="${REDIS:-/var/lib/redis}"
backup="${1:?names no backup}"

owner() { # USER PATH...
  if getent passwd "$1" > /dev/null; then
    chown -R "$@"
  fi
}

[ -f "$backup/accounts.db" ] && [ -f "$backup/redis.rdb" ] || { echo "$backup is no backup" >&2; exit 1; }
mkdir -p "$etc" "$state" "$redis"
cp -a "$backup/etc/." "$etc/"
rm -f "$state"/accounts.db*
cp "$backup/accounts.db" "$state/accounts.db"
owner chatgate-broker "$state"

rm -rf "$redis/appendonlydir" "$redis/dump.rdb"
if [ "${2:-}" = --sessions ]; then
  cp "$backup/redis.rdb" "$redis/dump.rdb"
  # A Redis that keeps a log reads that alone, and would start empty beside a dump. So one is started on the
  # dump, told to keep a log, and ended once it has written it.
  redis-server --port 0 --unixsocket "$redis/restore.sock" --dir "$redis" --appendonly no --save '' \
    --daemonize yes > /dev/null
  ask() {
    redis-cli -s "$redis/restore.sock" "$@" 2> /dev/null
  }
  until [ "$(ask ping)" = PONG ]; do sleep 0.1; done
  ask config set appendonly yes > /dev/null
  until ask info persistence | tr -d '\r' | grep -qx aof_rewrite_in_progress:0 \
    && ask info persistence | tr -d '\r' | grep -qx aof_rewrite_scheduled:0; do sleep 0.1; done
  ask info persistence | tr -d '\r' | grep -qx aof_last_bgrewrite_status:ok
  ask shutdown nosave || true
  rm -f "$redis/dump.rdb" "$redis/restore.sock"
fi
owner redis "$redis"
