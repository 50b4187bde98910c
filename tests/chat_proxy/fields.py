"""Header fields of answers, taken apart."""

from http_sfv.list import List


def parsed(text):
    found = List()
    found.parse(text.encode())
    return {one.value: dict(one.params) for one in found}
