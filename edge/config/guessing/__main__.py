"""Reads a JSON list of secrets from standard input and writes, in its order, whether each is guessable."""

import json
import sys

from edge.config.guessing.lengths import is_guessable

print(json.dumps([is_guessable(secret) for secret in json.load(sys.stdin)]))
