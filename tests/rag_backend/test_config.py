from pathlib import Path

import pytest

from rag_backend.config import Config, ConfigError, from_environment
from rag_backend.llm import Model

SECRET = "s" * 32


@pytest.fixture
def set_variables(monkeypatch):
    def set_all(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(f"CHATGATE_BACKEND_{name}", str(value))

    return set_all


def test_a_secret_is_all_that_must_be_set(set_variables):
    set_variables(SECRET=SECRET)
    assert from_environment() == Config(
        secret=SECRET.encode(),
        host="127.0.0.1",
        port=8002,
        audience="chatgate-backend",
        index=Path(".chatgate/book.db"),
        model=None,
    )


def test_each_variable_has_its_place(set_variables, tmp_path):
    (tmp_path / "key").write_text("key-of-the-model\n")
    set_variables(SECRET=SECRET, HOST="::1", PORT=1, AUDIENCE="other", INDEX="x.db", LLM_MODEL="small")
    set_variables(LLM_BASE_URL="https://models.example/v1", LLM_API_KEY_FILE=tmp_path / "key")
    config = from_environment()
    assert (config.host, config.port, config.audience, config.index) == ("::1", 1, "other", Path("x.db"))
    assert config.model == Model("https://models.example/v1", "small", "key-of-the-model")
    assert SECRET not in repr(config)
    assert "key-of-the-model" not in repr(config)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        *(
            ({"PORT": port}, "PORT must be a whole number from 1 to 65535")
            for port in ("eighty", "80.5", "tcp://10.0.0.1:8002", 0, -1, 70_000)
        ),
        ({"PROT": "8002"}, "PROT is no setting: correct the spelling or unset it"),
        ({"PROT": "8002", "INDEXES": ""}, "INDEXES, CHATGATE_BACKEND_PROT are no settings"),
        ({"LLM_BASE_URL": "https://models.example/v1"}, "LLM_MODEL"),
        ({"LLM_MODEL": "small"}, "LLM_BASE_URL"),
        ({"LLM_API_KEY": "k"}, "LLM_BASE_URL"),
        ({"LLM_MODEL": "small", "LLM_BASE_URL": "models.example/v1"}, "LLM_BASE_URL"),
        ({"LLM_MODEL": "small", "LLM_BASE_URL": "file:///etc"}, "LLM_BASE_URL"),
    ],
)
def test_a_wrong_value_is_named(set_variables, variables, named):
    set_variables(SECRET=SECRET, **variables)
    with pytest.raises(ConfigError, match=f"CHATGATE_BACKEND_{named}"):
        from_environment()


def test_the_variables_of_others_are_not_its_own(monkeypatch, set_variables):
    set_variables(SECRET=SECRET)
    monkeypatch.setenv("CHATGATE_BACKENDS_BOOK_URL", "http://127.0.0.1:8002")
    assert from_environment().port == 8002
