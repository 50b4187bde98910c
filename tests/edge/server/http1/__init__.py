"""Tests of `edge.server.http1`: a real server with either parser of uvicorn (front_door.py), and clients that
send it bytes. test_bodies and test_door test `unheard`."""
