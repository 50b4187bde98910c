#!/bin/sh
# backup.sh FOLDER: writes a folder below FOLDER with the accounts, the sessions and signing keys, the secrets and
# the configuration of this machine, and prints its name. Services may run meanwhile. A backup holds every
# secret: keep it where only you can read it.
set -eu
umask 077
etc="${ETC:-/etc/chatgate}"
state="${STATE:-/var/lib/chatgate}"
made="${1:?names no folder}/$(date -u +%Y-%m-%dT%H-%M-%SZ)"
mkdir -p "$made.new"
sqlite3 "$state/accounts.db" ".backup '$made.new/accounts.db'"
REDISCLI_AUTH="$(cat "$etc/secrets/redis_backup_password")" \
  redis-cli --user backup -p "${REDIS_PORT:-6379}" --rdb "$made.new/redis.rdb" > /dev/null
cp -a "$etc" "$made.new/etc"
# It gets its name once it is whole.
mv "$made.new" "$made"
echo "$made"
