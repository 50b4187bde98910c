"""A real LiteLLM proxy, from a virtual environment of its own that a machine keeps.

Its pinned dependencies do not go together with those of the services. `requirements/litellm.lock` has them.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from tests.missing import cannot
from tests.ports import free_ports
from tests.processes import REPOSITORY, alone_with, serving

LOCK = REPOSITORY / "requirements" / "litellm.lock"
KEY = "sk-of-litellm-1234"
PATIENCE_S = 120


def _installed():
    """The folder of the virtual environment, made where there is none yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = cache / "chatgate-tests" / f"litellm-{digest}"
    with alone_with(LOCK):
        if not (folder / ".whole").exists():
            shutil.rmtree(folder, ignore_errors=True)
            # By pip, which every machine that ran the README's commands has set up for its index. The lock
            # names every package, and of the thousands of modules few are imported.
            pip = [folder / "bin" / "python", "-m", "pip", "install", "-q", "--no-deps", "--no-compile"]
            for command in (
                [sys.executable, "-m", "venv", folder],
                [*pip, "--require-hashes", "-r", LOCK],
            ):
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    cannot(f"LiteLLM cannot be installed: {done.stderr[-500:]}")
            (folder / ".whole").touch()
    return folder


@contextmanager
def litellm(upstream):
    """A proxy whose model `relayed` is what the server at `upstream` says, and `mocked` one of its own; its
    address, up to `/chat/completions`."""
    folder = _installed()
    models = {
        "relayed": {"model": "openai/any", "api_base": upstream, "api_key": "none", "max_retries": 0},
        "mocked": {"model": "openai/any", "api_key": "none", "mock_response": "Hello from LiteLLM."},
    }
    config = {
        # YAML is a superset of JSON.
        "model_list": [{"model_name": name, "litellm_params": one} for name, one in models.items()],
        "general_settings": {"master_key": KEY},
        "litellm_settings": {"num_retries": 0, "telemetry": False},
    }
    [port] = free_ports(1)
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "config.yaml"
        path.write_text(json.dumps(config))
        command = [folder / "bin" / "litellm", "--config", path, "--host", "127.0.0.1", "--port", str(port)]
        environ = {"PATH": os.environ["PATH"], "HOME": home, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        url = f"http://127.0.0.1:{port}"
        with serving(command, f"{url}/health/liveliness", folder=home, environ=environ, patience=PATIENCE_S):
            yield f"{url}/v1"
