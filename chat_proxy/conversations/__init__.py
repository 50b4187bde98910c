"""A reader's conversations as they are kept: their messages, the notes under cut answers, and the ratings.

`questions` reads what a client sends; `streams` and `backends` have the answer while it runs.
"""
