"""A real LiteLLM proxy, from a virtual environment of its own that a machine keeps.

Its pinned dependencies do not go together with those of the services. `requirements/litellm.lock` has them.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.missing import NotInstalledError, cannot
from tests.ports import free_ports
from tests.processes import REPOSITORY, serving
from tests.python_packages import installed

LOCK = REPOSITORY / "requirements" / "litellm.lock"
KEY = "sk-of-litellm-1234"
PATIENCE_S = 120


def _installed() -> Path:
    """The folder of the virtual environment. Skips where it cannot be made, and fails in CI."""
    try:
        return installed(LOCK)
    except NotInstalledError as error:
        cannot(f"LiteLLM cannot be installed: {error}")


@contextmanager
def litellm(upstream: str) -> Iterator[str]:
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
        command: list[str | Path] = [
            folder / "bin" / "litellm",
            "--config",
            path,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        environ = {"PATH": os.environ["PATH"], "HOME": home, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        url = f"http://127.0.0.1:{port}"
        with serving(
            command, f"{url}/health/liveliness", folder=Path(home), environ=environ, patience=PATIENCE_S
        ):
            yield f"{url}/v1"
