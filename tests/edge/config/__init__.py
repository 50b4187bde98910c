"""Tests of `edge.config`. test_read tests `schema`, `values`, `variables` and `checks` too, test_better_auth
`better_auth_checks`, and test_guessing the folder `guessing/`."""
