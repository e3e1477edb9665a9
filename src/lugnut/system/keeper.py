"""Holds an environment's lock in Redis on behalf of a run, as a process of its own; `distant` starts it and asks it.

Why a process. portalocker's RedisLock is a subscription that a thread has to read, and lugnut forks its workers from a
process that has one thread (DESIGN 8). And who writes, holds: a killed coordinator's workers may write for a moment
more, so their lock must not go with it. What orders are read from is a pipe whose other end the coordinator and every
worker have; its end says that none of them lives any more, and only then, or at the coordinator's word, is the lock
given back. The keeper itself writes nothing to the environment.

    told    a question, once: url, channel, nonce, words, silence, check   above N | begun | check | give
    says    asks HOLDER, waits HOLDER, held TOKEN GIVEN, is TOKEN, missing, lost REASON, failed REASON

One JSON list a line: `asks` once the server has answered, `waits` once an attempt has failed.

In Redis: `<channel>` is the lock; `<channel>-fence` RedisLock's counter, one more for each grant; `<channel>-holder`
who has it, for messages alone; `<channel>-given` the nonce of the last one who had begun and gave it back. Whoever
died with the keeper, or lost the lock, did not.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time

from lugnut.system.native import machine
from lugnut.system.spawned import take_pipes
from lugnut.typed import Any

SLICE = 1.0
"""Seconds that one attempt lasts before who waits is told who holds it."""
_INTERVAL = 0.1
_THREAD = 0.05
_CONNECT = 5.0


class _Over(Exception):
    """Nobody is left to hold the lock for."""


def serve() -> None:
    """Be a keeper."""
    orders, said = take_pipes()
    machine.be_worker()
    logging.disable(logging.CRITICAL)  # what portalocker would log is said in one sentence by the coordinator
    keeper = _Keeper(orders, said)
    try:
        keeper.keep()
    except _Over:
        pass
    except ImportError:
        keeper.say("missing")
    except BaseException as error:  # noqa: BLE001 - whatever it is, one sentence for the coordinator to tell
        keeper.say("failed", _word(error))
    os._exit(0)


def _word(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


class _Keeper:
    """The lock, once it is held, and the two pipes."""

    def __init__(self, orders: int, said: int) -> None:
        self._orders, self._said = orders, said
        self._unread = b""
        self._question: dict[str, Any] = {}
        self._connection: Any = None
        self._lock: Any = None
        self._token = 0
        self._begun = False

    def say(self, *words: str | int) -> None:
        """Tell the coordinator, in one write: the thread that reads the subscription speaks too."""
        try:
            os.write(self._said, json.dumps(words).encode() + b"\n")
        except OSError:  # it is gone; its workers may not be
            return

    def keep(self) -> None:
        """Take the lock, keep it, and give it back."""
        self._question = json.loads(self._hear(None))
        self._connect()
        self._take()
        with contextlib.suppress(_Over):
            while (order := self._hear(None)) != "give":
                self._answer(order)
        self._give()  # whatever else ends this vouches for nobody: the run may still be at work

    def _hear(self, seconds: float | None) -> str:
        """Read the next order; empty where none comes in time. Raises _Over at the pipe's end."""
        while b"\n" not in self._unread:
            if seconds is not None and not machine.wait_readable([self._orders], seconds):
                return ""
            data = os.read(self._orders, 1 << 16)
            if not data:
                raise _Over
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    def _key(self, name: str) -> str:
        return f"{self._question['channel']}-{name}"

    def _connect(self) -> None:
        """Reach the server; every command fails at once, or after `check` seconds, and none is sent twice."""
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._connection = Redis.from_url(
            self._question["url"],
            decode_responses=True,
            socket_timeout=self._question["check"],
            socket_connect_timeout=_CONNECT,
            retry=Retry(NoBackoff(), 0),
        )
        self._connection.ping()

    def _take(self) -> None:
        from portalocker import AlreadyLocked, RedisLock

        self._lock = RedisLock(
            self._question["channel"],
            connection=self._connection,
            fencing=True,
            thread_sleep_time=_THREAD,
            unavailable_timeout=self._question["silence"],
            self_check_interval=self._question["check"],
            interrupt_on_lost=False,
            on_lost=self._lose,
        )
        # an attempt lasts for as long as somebody who has it is silent, and not everybody waits for that
        self.say("asks", self._connection.get(self._key("holder")) or "")
        patience = 0.0
        while True:
            try:
                self._lock.acquire(timeout=patience, check_interval=_INTERVAL)
            except AlreadyLocked:  # or the server could not be reached: then this says so
                self.say("waits", self._connection.get(self._key("holder")) or "")
                self._hear(0)
                patience = SLICE
            else:
                break
        self._token = self._lock.fence_token
        self._connection.set(self._key("holder"), self._question["words"])
        self.say("held", self._token, self._connection.get(self._key("given")) or "")

    def _lose(self, lock: Any) -> None:
        """Say that the lock is lost, from the thread that noticed, and end: there is nothing left to give back."""
        error = lock._lost_error  # noqa: SLF001 - the public way to it is an exception
        self.say("lost", _word(error) if error is not None else "the connection ended")
        os._exit(0)

    def _answer(self, order: str) -> None:
        word, _, number = order.partition(" ")
        if word == "above" and int(number) >= self._token:  # a server that lost its memory counts from 1 again
            self._rise(int(number) + 1)
        elif word == "check":
            self._check()
        self._begun = self._begun or word == "begun"
        self.say("is", self._token)

    def _rise(self, token: int) -> None:
        """Have the counter go on from a higher number, in one step, unless it was granted again meanwhile."""
        with self._connection.pipeline() as step:
            step.watch(self._lock.fence_key)
            self._see_counted(step.get(self._lock.fence_key))
            step.multi()
            step.set(self._lock.fence_key, token)
            step.execute()  # WatchError where somebody was granted it since it was read
        self._token = token

    def _see_counted(self, counted: str | None) -> None:
        if counted != str(self._token):
            raise RuntimeError(f"it was granted again ({counted} after {self._token})")

    def _check(self) -> None:
        """See, by way of the server, that nobody was granted it since, and that the subscription is alive."""
        self._lock.ensure_held()
        self._see_counted(self._connection.get(self._lock.fence_key))
        answers = self._connection.pubsub(ignore_subscribe_messages=False)
        try:
            self._ping(answers, self._key(os.urandom(16).hex()))
        finally:
            answers.close()

    def _ping(self, answers: Any, channel: str) -> None:
        """Ask who holds it, as RedisLock's own probes do, until our own answer comes.

        Not `probe()`: it wants an answer from everybody, and one frozen waiter would cost the run its lock.
        """
        answers.subscribe(channel)
        until = time.monotonic() + self._question["silence"]
        while time.monotonic() < until:
            message = answers.get_message(timeout=_INTERVAL)
            if message and message["type"] == "subscribe":
                self._connection.publish(self._lock.channel, json.dumps({"response_channel": channel}))
            elif message and json.loads(message["data"])["holder_id"] == self._lock.holder_id:
                return
        raise RuntimeError("the server delivers nothing")

    def _give(self) -> None:
        """Give it back, and leave word that nobody writes any more on behalf of this holder."""
        if self._begun:  # else the one before it, whom it waited for, may still be at work
            self._connection.set(self._key("given"), self._question["nonce"])
        self._connection.delete(self._key("holder"))
        self._lock.on_lost = None
        self._lock.release()
