"""Tests of `chat_proxy`, over HTTP to a real proxy on a port: service.py starts it beside a backend that a
test scripts (fake_backend.py).

Every test passes through `app`, `state`, `parts`, `media_types` and `failures`. `config` is tested in
tests/edge/config, `challenges` in `gate`, `endpoints` in `conversations` and by test_outages, `metrics` by
tests/system/process/test_metrics, `redis_keys` by tests/test_redis_keys, `serve` by test_process, and
`usage/` by admission/test_budgets and tests/chatgate/commands/test_usage. test_topologies runs tests of all
folders over Sentinel and a Cluster."""
