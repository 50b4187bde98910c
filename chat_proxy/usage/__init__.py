"""The tokens and the price of questions: before one is forwarded, after its answer, and summed up for a site.

`admission` holds and counts them in Redis.
"""
