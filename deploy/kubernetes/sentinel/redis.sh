#!/bin/sh
# Redis keeps the name of its master in /data/redis.conf, and a failover writes it there anew. The file is
# made at the first start only: a pod that comes back must not assume that the first pod is still the master.
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
