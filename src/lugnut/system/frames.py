"""Messages over a pipe: a length (4 bytes, little-endian), then a pickled (kind, number, value)."""

from __future__ import annotations

import os
import struct
from typing import Any

from lugnut.errors import InternalError

Message = tuple[str, int, Any]
_HEAD = struct.Struct("<I")


class Writer:
    """The sending end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, kind: str, number: int, value: Any) -> None:
        """Send one message, whole."""
        import pickle

        self._send_bytes(pickle.dumps((kind, number, value), pickle.HIGHEST_PROTOCOL))

    def send_error(self, number: int, error: Exception, trace: str) -> None:
        """Send an exception as itself if it survives the journey, else as an InternalError with its traceback."""
        import pickle

        try:
            data = pickle.dumps(("failed", number, error), pickle.HIGHEST_PROTOCOL)
            pickle.loads(data)  # noqa: S301 - our own bytes
        except Exception:  # noqa: BLE001 - whatever its pickling raises
            data = pickle.dumps(("failed", number, InternalError(message=trace.strip())), pickle.HIGHEST_PROTOCOL)
        self._send_bytes(data)

    def _send_bytes(self, body: bytes) -> None:
        view = memoryview(_HEAD.pack(len(body)) + body)
        while view:
            view = view[os.write(self._descriptor, view) :]


class Reader:
    """The receiving end; it never waits for more than the bytes that are there."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = bytearray()

    def read(self) -> list[Message] | None:
        """Read once and give the messages that are complete; None at the end."""
        import pickle

        data = os.read(self._descriptor, 1 << 16)
        if not data:
            return None
        self._buffer += data
        messages: list[Message] = []
        while len(self._buffer) >= _HEAD.size:
            (length,) = _HEAD.unpack_from(self._buffer)
            if len(self._buffer) < _HEAD.size + length:
                break
            messages.append(pickle.loads(self._buffer[_HEAD.size : _HEAD.size + length]))  # noqa: S301 - our own worker's
            del self._buffer[: _HEAD.size + length]
        return messages
