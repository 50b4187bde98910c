"""`python -m chatgate.stack.pages.book_server FOLDER PORT PROXY BROKER AUTH` serves a book's pages.

PROXY and BROKER are the addresses that the pages give to the widget, AUTH its way to know a reader.
"""

import sys
from pathlib import Path

import uvicorn

from chatgate.environment import SITE
from chatgate.stack.pages.book_site import Widget, create_page_app
from edge.telemetry import logs


def main() -> None:
    folder, port, proxy, broker, auth = sys.argv[1:]
    logs.configure("page")
    uvicorn.run(
        create_page_app(Path(folder), Widget(proxy, broker, SITE, auth)),
        host="127.0.0.1",
        port=int(port),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
