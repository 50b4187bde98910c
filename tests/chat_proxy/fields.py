"""Header fields of answers, taken apart."""

import http_sfv


def parsed(text):
    found = http_sfv.List()
    found.parse(text.encode())
    return {one.value: dict(one.params) for one in found}
