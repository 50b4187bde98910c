"""The state of a running proxy. `create_app` fills it, and every endpoint receives it."""

from collections.abc import Callable
from dataclasses import dataclass

from chat_proxy.admission.admission import Admission
from chat_proxy.backends.client import BackendClient
from chat_proxy.config import ProxyConfig
from chat_proxy.conversations.conversations import Conversations
from chat_proxy.conversations.feedback import Feedback
from chat_proxy.gate import Gate
from chat_proxy.metrics import ProxyMetrics
from chat_proxy.streams.drain import Drain
from edge.http.refused_bodies import RefusedBodies
from edge.http.traces import Traces
from tokens.jwks.remote import RemoteKeys


@dataclass(frozen=True, slots=True)
class ChatProxy:
    """`clock` is monotonic seconds."""

    config: ProxyConfig
    gate: Gate
    admission: Admission
    conversations: Conversations
    feedback: Feedback
    client: BackendClient
    keys: RemoteKeys
    drain: Drain
    refused_bodies: RefusedBodies
    metrics: ProxyMetrics
    traces: Traces
    clock: Callable[[], float]
