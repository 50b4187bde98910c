"""LiteLLM's proxy with one model, which is the bench's backend in OpenAI's dialect. It has no database:
callers show its one key."""

import json
import os
from pathlib import Path
from typing import Final

from bench.http1 import request
from bench.processes import url_of

KEY: Final = "sk-of-the-bench"
MODEL: Final = "bench"
PATIENCE: Final = 180.0
"""Seconds to its first answer: it imports thousands of modules, which its installation has not compiled."""


def command(program: Path, folder: Path, port: int, backend: int) -> list[str]:
    model = {"model": "openai/any", "api_base": f"{url_of(backend)}/v1", "api_key": "none", "max_retries": 0}
    config = {
        "model_list": [{"model_name": MODEL, "litellm_params": model}],
        "general_settings": {"master_key": KEY},
        "litellm_settings": {"num_retries": 0, "telemetry": False},
    }
    path = folder / "litellm.yaml"
    # YAML is a superset of JSON.
    path.write_text(json.dumps(config))
    return [str(program), "--config", str(path), "--host", "127.0.0.1", "--port", str(port)]


def environment(folder: Path) -> dict[str, str]:
    """It fetches no list of prices."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def question(text: str) -> bytes:
    body = {"model": MODEL, "messages": [{"role": "user", "content": text}]}
    return request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {KEY}"})
