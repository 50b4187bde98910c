"""Real Valkey servers of the tests' own: one alone, a master with replicas and sentinels, a Cluster.

`nodes` has one server of any of them, `together` what all offer to a test, and one file has each form.
"""
