"""The two media types of an answer, towards readers and from backends."""

from typing import Final

EVENT_STREAM: Final = "text/event-stream"
JSON: Final = "application/json"
