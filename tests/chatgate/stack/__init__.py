"""Tests of `chatgate.stack`. tests/chatgate/commands/test_up tests `running`, test_up_vectors there
`index_vectors`, and test_supervise and test_valkey `child_processes` and `end_with_parent`."""
