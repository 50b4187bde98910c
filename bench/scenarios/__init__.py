"""The scenarios of `make bench`, one module each with NAME and `run`, which gives the figures.

The services, and the load on them, belong to the parent. `parsers` gets its inputs from `slowest`, and
`retrieval` its books and questions from the two modules beside it.
"""
