#!/bin/sh
# Makes this machine's secrets, as far as they are missing, and the users of its Redis. Run it as root.
set -eu
umask 077
etc="${ETC:-/etc/chatgate}"
secrets="$etc/secrets"
mkdir -p "$secrets"
for name in broker_secret book_secret redis_password redis_backup_password; do
  [ -s "$secrets/$name" ] || openssl rand -hex 32 > "$secrets/$name"
done
printf 'redis://chatgate:%s@127.0.0.1:%s/0\n' "$(cat "$secrets/redis_password")" "${REDIS_PORT:-6379}" \
  > "$secrets/redis_url"

digest() {
  tr -d '\n' < "$secrets/$1" | sha256sum | cut -d ' ' -f 1
}

# No client can be `default`, which may do everything all the same: with its rights Redis reads its own log at
# the start.
cat > "$etc/redis.acl" <<END
user default off ~* &* +@all
user chatgate on #$(digest redis_password) ~cg:* &cg:* +@all -@admin -@dangerous +config|get
user backup on #$(digest redis_backup_password) -@all +ping +psync +sync +replconf
END
# Everybody may read the configuration, and Redis its users; the secrets are root's.
chmod 755 "$etc"
if getent group redis > /dev/null; then
  chgrp redis "$etc/redis.acl"
  chmod 640 "$etc/redis.acl"
fi
