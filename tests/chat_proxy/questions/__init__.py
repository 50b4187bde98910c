"""Tests of `chat_proxy.questions`. test_inputs and test_held_bodies test `bodies`, test_messages `texts`."""
