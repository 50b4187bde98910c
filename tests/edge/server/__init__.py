"""Tests of `edge.server`. test_server tests `inherited` and `acceptor`, test_startup and
tests/chat_proxy/test_process `start` and `command_line`, and tests/system/process/test_workers and
test_worker_troubles `supervisor`, `worker`, `worker_metrics` and `metrics_listener`."""
