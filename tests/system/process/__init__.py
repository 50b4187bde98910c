"""The services as processes: workers, stops and metrics. tests/edge/server tests the same code without a
stack."""
