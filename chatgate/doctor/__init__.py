"""Looking at a deployed site from outside, as a reader's browser would, and explaining what is wrong.

`examination` has the order of the looks, one module has each family of them, `catalogue` has every code, and
`client` is the one way out. Nothing here reads the configuration: the site may be a stranger's.
"""
