"""A Docusaurus site of one page with the packages of examples/docusaurus, as an owner has one already."""

import shutil
from pathlib import Path

from tests.widget.sites import packages

SOURCES = Path(__file__).with_name("docusaurus_site")


def starter(folder: Path) -> Path:
    folder.mkdir()
    shutil.copy(SOURCES / "package.json", folder)
    config = (SOURCES / "docusaurus.config.js").read_text().replace("'/book/'", "'/'")
    (folder / "docusaurus.config.js").write_text(config)
    (folder / "docs").mkdir()
    (folder / "docs" / "index.md").write_text("---\nslug: /\n---\n\n# A book\n\nA page of it.\n")
    (folder / "node_modules").symlink_to(packages())
    return folder
