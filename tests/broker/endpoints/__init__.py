"""Tests of `broker.endpoints`: Better Auth's API by test_better_auth_client, test_better_auth_frameworks and
test_better_auth_parity, and one module for each family of cases.

In `better_auth/`, test_passwords, test_profile and test_deletion test `account`, test_bad_input `bodies` and
`pipeline`, test_sessions `sessions` and `views`, login/test_email `sign_in`, test_better_auth_client `token`.
test_bad_input tests `callers`, `forms` and `origins` too (with test_cross_site), test_bearers
`session_cookies`. In tests/broker/oauth, test_authorization tests `authorize`, test_token, test_codes and
test_revocation `oauth`, test_proofs `proved`, and test_libraries `well_known`. upstreams/test_webhook tests
`better_auth_webhook`, and tests/broker/test_faults `health`.
"""
