"""The tokens and the price that a question may take, before it is forwarded, and that it took."""

import math
from typing import Final

from chat_proxy.admission.places import Spend
from chat_proxy.backends import meter, retrieval
from chat_proxy.backends.dialect import Usage
from chat_proxy.clients.form import Asking
from chat_proxy.config import Backend
from chat_proxy.conversations.conversations import MAX_HISTORY_BYTES
from chat_proxy.questions.messages import Question

FRAME: Final = 1_536
"""Bytes of a request beside the texts in it: its JSON, and the rules for material and selection."""


def estimate(asking: Asking) -> Spend:
    """The most that a question may take, as its site's budgets reserve it: its own texts, the longest
    history and passages that may go along, and the longest answer."""
    return reserved(asking.backend, asking.question, _history(asking))


def reserved(backend: Backend, question: Question, history: int) -> Spend:
    """The most that a question with so many bytes of earlier messages may take of a backend."""
    size = FRAME + sum(len(text.encode()) for text in (question.message, question.selected_text or ""))
    if question.mode == "normal":
        size += len(backend.system_prompt.encode()) + history
    if retrieval.wanted(backend, question):
        size += retrieval.MAX_TEXT
    return spent(backend, Usage(meter.tokens(size) + backend.added_tokens, backend.max_tokens))


def spent(backend: Backend, usage: Usage) -> Spend:
    """`usage` with its price. A price is that of a million tokens, so a token costs as many millionths."""
    cost = usage.tokens_in * backend.price_in + usage.tokens_out * backend.price_out
    return Spend(backend.name, usage.tokens_in, usage.tokens_out, math.ceil(cost))


def _history(asking: Asking) -> int:
    if asking.history is not None:
        return sum(len(turn["content"].encode()) for turn in asking.history)
    return MAX_HISTORY_BYTES if _continues(asking.question) else 0


def _continues(question: Question) -> bool:
    """Return True if there may be earlier messages: a conversation without an id is a new one."""
    return question.session_id is not None and question.wants_history
