"""`python -m chatgate.stack.pages.docs_site FOLDER`: builds the Docusaurus site in FOLDER for the stack of
this working folder, and serves it on loopback until Ctrl-C. Its packages have to be installed, as `make site`
does.
"""

import subprocess
import sys
from pathlib import Path

from chatgate.environment import SITE_BASE_URL, Environment, here, origin_at
from chatgate.faults import Fault
from chatgate.stack import free_ports
from chatgate.stack.free_ports import HOST
from chatgate.stack.pages.static_site import create_static_app, serve
from chatgate.stack.running import answers


def build(folder: Path, around: Environment) -> Path:
    """The folder of the built site. Raises Fault when Docusaurus could not build it, and has printed why."""
    out = around.data_dir / "site"
    told = {
        "CHATGATE_BROKER_URL": around.settings.broker.url,
        "CHATGATE_PROXY_URL": around.settings.proxy.url,
        "CHATGATE_SITE_PORT": str(around.ports.site),
        "DOCUSAURUS_NO_TELEMETRY": "1",
        # The bundler's cache goes by versions, so it would keep an old widget after the widget is built anew.
        "DOCUSAURUS_NO_PERSISTENT_CACHE": "1",
    }
    command = ["node_modules/.bin/docusaurus", "build", "--out-dir", str(out.resolve())]
    try:
        done = subprocess.run(command, cwd=folder, env={**around.environ, **told}, check=False)  # noqa: S603
    except OSError as error:
        raise Fault(f"{folder}/{command[0]}: {error.strerror}. `make site` installs it.") from None
    if done.returncode != 0:
        raise Fault(f"The site in {folder} was not built.")
    return out


def main() -> int:
    try:
        around = here()
        free_ports.require_for_site(around)
        out = build(Path(sys.argv[1]), around)
        # Another program may have come while it was built.
        listener = free_ports.listen(*free_ports.of_site(around))
    except Fault as fault:
        print(fault, file=sys.stderr)
        return 1
    print(
        f"\nThe site is at {origin_at(around, around.ports.site)}{SITE_BASE_URL}. Ctrl-C stops it.",
        flush=True,
    )
    # The build has just recommended it.
    print("Not by `npm run serve`, which loses the answer of a sign-in: docs/widget.md.", flush=True)
    if not answers(HOST, around.ports.broker, "/readyz"):
        print("The services do not answer yet: `make up` in another terminal starts them.", flush=True)
    serve(create_static_app(out, SITE_BASE_URL), listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
