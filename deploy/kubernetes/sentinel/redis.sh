#!/bin/sh
# Redis keeps in /data/redis.conf who its master is, and a failover writes it there anew. It is made at the first
# start alone: a pod that comes back must not take the first one for the master that it was in the beginning.
set -eu
conf=/data/redis.conf
if [ ! -e "$conf" ]; then
  {
    echo "include /etc/redis/redis.conf"
    echo "replica-announce-ip $(hostname)"
    [ "$(hostname)" = redis-0 ] || echo "replicaof redis-0 6379"
  } > "$conf.new"
  mv "$conf.new" "$conf"
fi
password="$(cat /run/redis/password)"
sed -i '/^requirepass /d; /^masterauth /d' "$conf"
printf 'requirepass "%s"\nmasterauth "%s"\n' "$password" "$password" >> "$conf"
exec redis-server "$conf"
