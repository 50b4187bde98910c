#!/bin/sh
# The sentinel keeps in /data/sentinel.conf which master it watches; see redis.sh.
set -eu
conf=/data/sentinel.conf
password="$(cat /run/redis/password)"
if [ ! -e "$conf" ]; then
  {
    echo "port 26379"
    echo "sentinel resolve-hostnames yes"
    echo "sentinel announce-hostnames yes"
    echo "sentinel announce-ip $(hostname)"
    echo "sentinel monitor chatgate redis-0 6379 2"
    echo "sentinel down-after-milliseconds chatgate 2000"
    echo "sentinel failover-timeout chatgate 5000"
    echo "sentinel parallel-syncs chatgate 1"
  } > "$conf.new"
  mv "$conf.new" "$conf"
fi
sed -i '/^requirepass /d; /^sentinel sentinel-pass /d; /^sentinel auth-pass /d' "$conf"
{
  printf 'requirepass "%s"\n' "$password"
  printf 'sentinel sentinel-pass %s\n' "$password"
  printf 'sentinel auth-pass chatgate %s\n' "$password"
} >> "$conf"
exec redis-server "$conf" --sentinel
