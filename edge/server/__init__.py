"""The serving process: sockets, workers and their parent. Its HTTP/1 connections are in `edge.server.http1`.

`edge.http` makes the answers.
"""
