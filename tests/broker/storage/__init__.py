"""Tests of `broker.storage`. test_sql holds `sql_engines`, `sql_schema`, `sql_tables` and `account_ids` to
accounts_contract.py; test_shared_accounts does so beside a real Better Auth server.

The stores in Redis are tested by the tests of their interfaces, and over each topology by
tests/broker/test_topologies: `codes`, `cuts`, `key_ring`, `proofs`, `rates`, `readers`, `redis`, `refresh`
and `scripts`.
"""
