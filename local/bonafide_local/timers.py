"""Timers with one thread for all, so that an execution that may take a week needs no thread."""

from __future__ import annotations

import contextvars
import heapq
import itertools
import threading
import time
from collections.abc import Callable


class Timers:
    """Safe to use from threads."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, contextvars.Context, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="timers", daemon=True).start()

    def after(self, seconds: float, call: Callable[[], None]) -> Callable[[], bool]:
        """Call a function after some seconds, in the context of the caller.

        Returns a function that cancels the timer; it returns false when the call has already begun.
        """
        timer = (time.monotonic() + seconds, next(self._numbers), contextvars.copy_context(), call)
        with self._changed:
            heapq.heappush(self._waiting, timer)
            if self._waiting[0] is timer:
                self._changed.notify()

        def cancel() -> bool:
            with self._changed:
                if timer not in self._waiting:
                    return False
                self._waiting.remove(timer)
                heapq.heapify(self._waiting)
                return True

        return cancel

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting or self._waiting[0][0] > time.monotonic():
                    self._changed.wait(self._waiting[0][0] - time.monotonic() if self._waiting else None)
                _, _, context, call = heapq.heappop(self._waiting)
            # In its own thread, so that a slow call does not delay the other timers.
            threading.Thread(target=context.run, args=(call,), daemon=True).start()
