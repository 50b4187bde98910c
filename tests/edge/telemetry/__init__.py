"""Tests of `edge.telemetry`. test_logs tests `audit_file` too."""
