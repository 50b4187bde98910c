"""Tests of `broker.oauth.grants`. In the folder above, test_codes tests `authorization_code`, test_refresh
`refresh_token` and test_exchange_and_introspection `token_exchange`; tests/broker/upstreams tests
`better_auth`."""
