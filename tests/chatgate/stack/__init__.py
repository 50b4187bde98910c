"""Tests of `chatgate.stack`. tests/chatgate/commands/test_up tests `running` and `banner`, test_up_vectors
there `index_vectors`, and test_supervise and test_valkey `child_processes` and `end_with_parent`."""
