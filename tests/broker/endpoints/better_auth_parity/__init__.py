"""The requests that are put to real Better Auth servers and to our broker, in families.

A family has `CASES` by name; `DIFFERENCES` of ours from 1.7 by the reason: the case, what of the answer
differs, and the status and code of theirs and of ours; and `OF_1_6`, the differences of 1.6 from 1.7, in the
same form.
"""
