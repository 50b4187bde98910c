"""The HTTP/1 connection before its parser: the form and the limits of requests, refusals, and the room that
the connections of a process share. The process itself is in `edge.server`.
"""
