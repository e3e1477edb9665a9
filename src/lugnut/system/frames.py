"""Messages over a pipe: a length (4 bytes, little-endian), then a pickled (kind, number, value).

From a worker: `begin` a job with the moment, `event` told by it, `done` with the moment and its result or `failed` with
its exception, and `bye` as the last word of one that ends as it should. Moments are nanoseconds of the one clock that
all processes of a machine have (CLOCK_MONOTONIC on Linux). To a spawned worker: the `work` (a function), one `job` at a
time, the `end`. The number is the job's place in the list.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Iterator

from lugnut.errors import InternalError, LugnutError
from lugnut.events import Event
from lugnut.system.lifeline import Stopped, look_now
from lugnut.typed import Any

Message = tuple[str, int, Any]
_HEAD = struct.Struct("<I")
_CHUNK = 1 << 16


class Writer:
    """The sending end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, kind: str, number: int, value: Any = None) -> None:
        """Send one message, whole; raises Stopped where nobody reads any more."""
        self.send_packed(pack(kind, number, value))

    def send_packed(self, data: bytes) -> None:
        """Send what `pack` made."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except BrokenPipeError:
            raise Stopped from None


def pack(kind: str, number: int, value: Any) -> bytes:
    """Make a message's bytes."""
    import pickle

    body = pickle.dumps((kind, number, value), pickle.HIGHEST_PROTOCOL)
    return _HEAD.pack(len(body)) + body


def pack_failure(number: int, error: BaseException) -> bytes:
    """Make the message for an exception: itself if it survives the journey, else its traceback as an InternalError."""
    import pickle
    import traceback

    trace = "".join(traceback.format_exception(error)).strip()
    if isinstance(error, Exception):
        if not isinstance(error, LugnutError):
            error.add_note(f"In the worker:\n{trace}")
        try:
            data = pack("failed", number, error)
            if type(pickle.loads(data[_HEAD.size :])[2]) is type(error):  # noqa: S301 - our own bytes
                return data
        except Exception:  # noqa: BLE001, S110 - whatever its pickling raises: the traceback still goes
            pass
    return pack("failed", number, InternalError(message=trace))


class Reader:
    """The receiving end; it never waits for more than the first byte."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._buffer = bytearray()

    def read(self) -> list[Message] | None:
        """Read once and give the messages that are complete by now, perhaps none; None at the end."""
        import pickle

        data = os.read(self.descriptor, _CHUNK)
        if not data:
            return None
        self._buffer += data
        messages: list[Message] = []
        while len(self._buffer) >= _HEAD.size:
            end = _HEAD.size + _HEAD.unpack_from(self._buffer)[0]
            if len(self._buffer) < end:
                break
            messages.append(pickle.loads(self._buffer[_HEAD.size : end]))  # noqa: S301 - from our own process
            del self._buffer[:end]
        return messages


def work(
    function: Callable[[Any, Callable[[Event], None]], Any], jobs: Iterator[tuple[int, Any]], writer: Writer
) -> None:
    """Be a worker: do job after job and answer for each; after a failure no more. Raises Stopped."""
    number = -1
    try:
        for number, job in jobs:
            look_now()
            writer.send("begin", number, time.perf_counter_ns())
            value = function(job, lambda event, at=number: writer.send("event", at, event))  # type: ignore[misc]
            writer.send_packed(pack("done", number, (time.perf_counter_ns(), value)))
    except Stopped:
        raise
    except BaseException as error:  # noqa: BLE001 - it is the parent's to judge, whatever it is
        writer.send_packed(pack_failure(number, error))
    writer.send("bye", number)
