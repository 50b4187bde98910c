"""`python -m bench --peers`: other servers beside the services, in turn in one run.

`programs` finds them, `fronts` and `gateway` run those that pass a question on, `comparison` measures all of
them and `shown` makes the table. Better Auth is run by `bench.scenarios.better_auth`.
"""
