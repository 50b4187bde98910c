"""Tests of `chatgate`. test_environment tests `given` and `secret_files`, commands/test_users and
commands/test_sessions `records`, commands/test_check `probes/`, commands/test_check_budgets `budgets`, and
all commands `faults`."""
