"""Tests of `chat_proxy.backends`: one module for each dialect, against a scripted server of it.

test_openai tests `openai_answers`, `prompts`, `retrieval`, `source_numbers` and `thoughts`, test_chatkit
`threads`, test_client and test_reasons `reading`. Every module passes through `dialect` and `table`. `meter`
is tested by tests/chat_proxy/admission/test_budgets, `internal_token` by
tests/generators/test_backend_behind_proxy and tests/broker/oauth/test_libraries.
"""
