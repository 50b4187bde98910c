"""The serving process: sockets, workers and their parent, the HTTP/1 connection, and its limits.

`edge.http` makes the answers.
"""
