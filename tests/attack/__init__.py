"""Tests of `attack`. test_judgements tests `answer_parts`, `report`, `stack`, `wire`, `inputs/`, `judging/`
and `racing/` without a server. test_searches runs the searches `answers`, `bodies`, `crowd`, `floods`,
`heads`, `limits` and `races` against servers with one fault each (faulty.py)."""
