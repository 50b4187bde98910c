"""The Chromium of this machine; Playwright drives it and downloads none."""

import json
import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from tests.missing import cannot

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
SHELL = "chromium-headless-shell"

PATIENCE_MS = 20_000
"""Milliseconds that a page may take for anything that a test waits for."""


@cache
def chromium() -> str:
    """Its path. Skips the test where there is none, and in CI fails it."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        cannot(f"none of {', '.join(NAMES)} is on PATH")
    return found


def launch_options() -> dict[str, Any]:
    """Options to start the whole browser, with profiles and their settings."""
    return _options(chromium())


def shell_options() -> dict[str, Any]:
    """Options to start the same engine without windows and profiles, which takes a third of the processor
    time; the whole browser where a machine has no such package."""
    return _options(shutil.which(SHELL) or chromium())


def _options(path: str) -> dict[str, Any]:
    # Root has no sandbox of Chromium's, and a container is often run by root.
    return {"executable_path": path, "args": ["--no-sandbox"] if os.geteuid() == 0 else []}


def choose_third_party_cookies(profile: Path, *, blocked: bool) -> None:
    """Writes the reader's choice into a new profile folder, as the settings page does. A context without a
    profile is a private window, which blocks them always."""
    folder = profile / "Default"
    folder.mkdir(parents=True)
    (folder / "Preferences").write_text(json.dumps({"profile": {"cookie_controls_mode": int(blocked)}}))


STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
