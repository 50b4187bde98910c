"""Copies scripts/ with the package that it calls into the skill folder, which is whole when copied out, and
writes what the generators make with their default options there.

`--check` writes nothing and exits 1 when the skill folder has anything else.
"""

import argparse
import sys
from pathlib import Path

from scaffold import backend, widget

ROOT = Path(__file__).parents[1]
SKILL = ROOT / "skill" / "chatkit-embed-and-token-flow"
SUFFIXES = (".py", ".txt", ".typed", ".html", ".js")
CALLBACK = ROOT / "scaffold" / "widget_parts" / "chatgate-callback.html"
ASSETS = ROOT / "chatgate" / "stack" / "pages" / "assets"


def wanted() -> dict[Path, bytes]:
    """The files of the folder by path, and those that the package has from elsewhere."""
    callback = (ROOT / "examples" / "callback" / CALLBACK.name).read_bytes()
    scripts = {path.name: path.read_bytes() for path in (ROOT / "scripts").glob("*.py")}
    package = [path for path in (ROOT / "scaffold").rglob("*") if _is_source(path)]
    copied = {str(path.relative_to(ROOT)): path.read_bytes() for path in package}
    # In the repository the package finds the built widget where `chatgate up` serves it from.
    built = {f"scaffold/widget_parts/{path.name}": path.read_bytes() for path in ASSETS.iterdir()}
    copied |= built | {str(CALLBACK.relative_to(ROOT)): callback}
    files = {SKILL / "scripts" / name: text for name, text in (scripts | copied).items()}
    assets = {
        "backend_minimal.py": backend.generate(backend.Options(module="backend_minimal")),
        "ChatKitWidget.js": widget.generate(widget.Options())[f"{widget.COMPONENT}.js"],
    }
    files |= {SKILL / "assets" / name: text.encode() for name, text in assets.items()}
    return files | {CALLBACK: callback}


def found() -> set[Path]:
    """The sources that the folder holds at present; one that is not `wanted` is stale."""
    return {path for path in (SKILL / "scripts").rglob("*") if _is_source(path)}


def _is_source(path: Path) -> bool:
    return path.is_file() and path.suffix in SUFFIXES


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    files = wanted()
    stale = [path for path, text in files.items() if not path.is_file() or path.read_bytes() != text]
    stale += found() - files.keys()
    if check and stale:
        names = ", ".join(sorted(str(path.relative_to(ROOT)) for path in stale))
        print(f"stale: {names}: run generators/{Path(__file__).name}", file=sys.stderr)
        return 1
    for path in stale:
        path.unlink(missing_ok=True)
        if path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
