"""Tests of `broker`, over HTTP to the real application: conftest.py starts it, and service.py has its
requests.

Every test passes through `app`, `state` and `errors`. `config` is tested in tests/edge/config, `limits` by
login/test_limits, `audit` and `metrics` by tests/system/process/test_metrics, `serve` by the tests in
tests/system, `upkeep` by signing/test_keyring and test_faults. test_topologies runs tests of all folders
over Sentinel and a Cluster."""
