"""Tests of `edge.redis`, over each topology. test_client tests `commands` too, and
tests/system/process/test_metrics `measured_client`."""
