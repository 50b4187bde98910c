"""`python -m chatgate.pages FOLDER PORT`: the page of the development stack, on loopback."""

import sys
from pathlib import Path

import uvicorn

from chatgate.page_site import create_page_app
from edge import logs


def main() -> None:
    folder, port = sys.argv[1:]
    logs.configure("page")
    uvicorn.run(
        create_page_app(Path(folder)),
        host="127.0.0.1",
        port=int(port),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
