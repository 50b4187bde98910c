"""Secrets with which neither service starts in production."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge.config.configurations import GOOD, SECRETS

pytestmark = pytest.mark.system


@pytest.mark.parametrize("service", ["broker", "chat_proxy"])
def test_a_service_does_not_start_with_a_guessable_secret(tmp_path, service):
    path = tmp_path / "chatgate.toml"
    path.write_text(GOOD)
    done = subprocess.run(
        [sys.executable, "-m", service],
        env={**SECRETS, "CHATGATE_CONFIG": str(path), "PATH": "", "CHATGATE_DATA_DIR": str(tmp_path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert (
        "secret: is a published one, an identifier or a token, or looks like words, a series or a repetition"
        in done.stderr
    )
    assert not any(secret in done.stderr for secret in SECRETS.values())
