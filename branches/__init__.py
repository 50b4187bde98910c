"""Measures which branches are taken by a command and by all Python processes that it starts.

A branch is one way on from an `if`, a loop or a `match`. `marks` puts an assignment at its beginning,
`prepare` compiles every module so, and `hook` has a process import what was compiled.
"""
