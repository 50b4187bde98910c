"""`python bystander.py PORT COOKIE`: asks for one token after the other until its input ends, then says how
long each took, in seconds. In a process of its own, as the process that makes the load would measure its own
work along."""

import http.client
import json
import select
import sys
import time
from collections.abc import Iterator


def waits(port: int, cookie: str) -> Iterator[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while not select.select([sys.stdin], [], [], 0)[0]:
        began = time.perf_counter()
        connection.request("GET", "/auth/token", headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        yield time.perf_counter() - began
        assert answer.status == 200, answer.status


if __name__ == "__main__":
    print(json.dumps(list(waits(int(sys.argv[1]), sys.argv[2]))))
