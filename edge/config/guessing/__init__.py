"""Tell whether a secret was generated at random or made up by a person.

`strength` judges secrets in a process of its own. `lengths` computes how few bits describe a secret,
`writing` models how people write, `readings` decodes encodings, `shown` finds values that are no secrets by
their kind, and `known`, with published.txt, finds values that look random but are public. A service imports
only `strength`: the word lists of the others take memory.
"""
