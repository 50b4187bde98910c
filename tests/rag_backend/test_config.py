from pathlib import Path

import pytest

from rag_backend.answers.model import Model
from rag_backend.config import Config, ConfigError, from_environment
from rag_backend.search.embedding import SMALL, Remote

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
    set_variables(LLM_PARAMETERS='{"temperature": 0.2}')
    config = from_environment()
    assert (config.host, config.port, config.audience, config.index) == ("::1", 1, "other", Path("x.db"))
    assert config.model == Model(
        "https://models.example/v1", "small", "key-of-the-model", {"temperature": 0.2}
    )
    assert SECRET not in repr(config)
    assert "key-of-the-model" not in repr(config)


def test_an_embedding_model_is_named_or_turned_off_or_the_one_that_is_installed(set_variables):
    set_variables(SECRET=SECRET, EMBEDDINGS_MODEL="none")
    assert from_environment().embedding is None
    set_variables(EMBEDDINGS_MODEL="m", EMBEDDINGS_BASE_URL="http://m/v1", EMBEDDINGS_API_KEY="key-of-it")
    config = from_environment()
    assert config.embedding == Remote("http://m/v1", "m", "key-of-it")
    assert "key-of-it" not in repr(config)
    set_variables(EMBEDDINGS_MODEL="", EMBEDDINGS_BASE_URL="", EMBEDDINGS_API_KEY="")
    embedding = from_environment().embedding
    assert embedding is not None
    assert embedding.name == SMALL


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
        ({"LLM_PARAMETERS": "{}"}, "LLM_BASE_URL"),
        ({"EMBEDDINGS_MODEL": "small"}, "EMBEDDINGS_BASE_URL"),
        ({"EMBEDDINGS_BASE_URL": "http://m/v1", "EMBEDDINGS_MODEL": ""}, "EMBEDDINGS_MODEL"),
        ({"EMBEDDINGS_BASE_URL": "ftp://m", "EMBEDDINGS_MODEL": "small"}, "EMBEDDINGS_BASE_URL"),
        *(
            ({"LLM_MODEL": "m", "LLM_BASE_URL": "http://m", "LLM_PARAMETERS": text}, "LLM_PARAMETERS")
            for text in ("temperature=0.2", "[]", "0.2", '{"a": NaN}', '{"stream": false}', '{"n": 2}')
        ),
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
