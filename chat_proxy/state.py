"""What a running proxy holds. `create_app` fills it; the endpoints are handed it."""

from collections.abc import Callable
from dataclasses import dataclass

from chat_proxy.admission import Admission
from chat_proxy.config import ProxyConfig
from chat_proxy.conversations import Conversations
from chat_proxy.drain import Drain
from chat_proxy.figures import Figures
from chat_proxy.forward import Forward
from chat_proxy.gate import Gate
from edge.traces import Traces
from tokens.jwks.remote import RemoteKeys


@dataclass(frozen=True, slots=True)
class ChatProxy:
    """`clock` is monotonic seconds."""

    config: ProxyConfig
    gate: Gate
    admission: Admission
    conversations: Conversations
    forward: Forward
    keys: RemoteKeys
    drain: Drain
    figures: Figures
    traces: Traces
    clock: Callable[[], float]
