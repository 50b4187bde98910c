#!/usr/bin/env bash
# zxcvbn of npm (4.4.2) and of PyPI (4.5.0) disagree on passwords with a date, and more every year.
#
# Expected: the port gives the same score as the original, as it does for words, keys and sequences.
# Instead: the original measures a date's distance from the present year, the port from 2017; so the port's scores
# stay and the original's rise.
# Matters: a sign-up form that asks for score 3 lets `Bruno3.7.1991` pass, and a server in Python that asks for the
# same score refuses it.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet zxcvbn==4.5.0
npm install --loglevel error --no-audit --no-fund zxcvbn@4.4.2 >/dev/null

cat > score.py <<'PY'
from zxcvbn import zxcvbn

for password in ("!12.03.1987", "Bruno3.7.1991", "hund!12.03.1987", "Bruno battery!", "correcthorse"):
    print("PyPI", password, zxcvbn(password)["score"])
PY

cat > score.js <<'JS'
const zxcvbn = require("zxcvbn");

for (const password of ["!12.03.1987", "Bruno3.7.1991", "hund!12.03.1987", "Bruno battery!", "correcthorse"]) {
  console.log("npm", password, zxcvbn(password).score);
}
JS

expected=$(cat <<'OUT'
PyPI !12.03.1987 1
PyPI Bruno3.7.1991 2
PyPI hund!12.03.1987 3
PyPI Bruno battery! 4
PyPI correcthorse 2
npm !12.03.1987 2
npm Bruno3.7.1991 3
npm hund!12.03.1987 4
npm Bruno battery! 4
npm correcthorse 2
OUT
)
seen=$(
  venv/bin/python score.py
  node score.js
)

if [ "$seen" != "$expected" ]; then
  printf 'This has changed. Expected:\n%s\nSeen:\n%s\n' "$expected" "$seen" >&2
  exit 1
fi
printf '%s\n' "$seen"
