"""The parts of every HTTP answer of both services: problems, CORS, request ids, limits, client addresses.

The server that speaks HTTP/1 is `edge.server`.
"""
