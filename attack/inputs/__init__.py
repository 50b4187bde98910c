"""Generated inputs: bodies, heads and credentials, valid ones with changes and unrelated bytes. The searches
that send them are in `attack`.
"""
