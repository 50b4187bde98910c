"""Every dialect by the `kind` of a backend in the configuration."""

from collections.abc import Mapping
from typing import Final

from chat_proxy.backends.chatkit import ChatKit
from chat_proxy.backends.dialect import Dialect
from chat_proxy.backends.native import Native
from chat_proxy.backends.openai import OpenAI

DIALECTS: Final[Mapping[str, Dialect]] = {"native": Native(), "openai": OpenAI(), "chatkit": ChatKit()}
