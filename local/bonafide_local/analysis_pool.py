"""A pool of processes that analyse pictures, so that the emulator's event loop never waits for them.

dlib holds Python's global lock while it works, hence processes and not threads. Every process loads
all models once. Results are cached by the picture's content: DetectFaces, CompareFaces, SearchFacesByImage
and IndexFaces of one selfie analyse it once.
"""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import logging
import multiprocessing
import os
import signal
import sys
from collections import OrderedDict
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bonafide_local.faces.model import FaceAnalysis
    from bonafide_local.text.boxes import TextPage

logger = logging.getLogger("bonafide_local.analysis_pool")

# The result for a licence has a few kilobytes; the limit is a safeguard for load tests.
REMEMBERED_ANALYSES = 2_000
_PR_SET_PDEATHSIG = 1


class DecodeError(Exception):
    """The picture does not decode. Has no details of its content."""


class _Kind(Enum):
    FACES = "faces"
    TEXT = "text"


def follow_parent(number: int = signal.SIGKILL) -> None:
    """Ask Linux to send this process a signal when its parent ends; does nothing elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


# The models of this process, loaded by `_load_models` and used by `_analyse`.
_analyser: Any = None
_reader: Any = None


def _load_models(threads: int) -> None:
    follow_parent()
    # Ctrl-C reaches the whole foreground group; only the launcher acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    global _analyser, _reader
    import cv2

    from bonafide_local.faces.analysis import FaceAnalyser
    from bonafide_local.text.reader import TextReader

    cv2.setNumThreads(threads)
    _analyser = FaceAnalyser()
    _reader = TextReader(threads)


def _analyse(kind: _Kind, data: bytes) -> FaceAnalysis | TextPage | None:
    from bonafide_local.pictures import UnreadablePicture, decode

    try:
        picture = decode(data)
    except UnreadablePicture:
        return None
    result: FaceAnalysis | TextPage = _analyser.analyse(picture) if kind is _Kind.FACES else _reader.read(picture)
    return result


def _ready() -> bool:
    return True


class AnalysisPool:
    """A pool of processes with a cache. Use from one event loop."""

    def __init__(self, processes: int | None = None) -> None:
        cores = os.cpu_count() or 1
        # 0 is for runs with few pictures: one process with one thread, started by the first picture.
        self._at_the_start = max(1, min(cores, 4)) if processes is None else processes
        self._processes = max(1, self._at_the_start)
        self._threads = max(1, cores // self._processes) if self._at_the_start else 1
        self._pool = self._make_pool()
        self._remembered: OrderedDict[tuple[_Kind, bytes], asyncio.Future[Any]] = OrderedDict()

    def warm(self) -> list[asyncio.Future[bool]]:
        """Start all processes now, so that the models are loaded before the first picture."""
        loop = asyncio.get_running_loop()
        return [loop.run_in_executor(self._pool, _ready) for _ in range(self._at_the_start)]

    async def faces(self, data: bytes) -> FaceAnalysis:
        """Find the faces of a picture. Raises `DecodeError` when it does not decode."""
        analysis: FaceAnalysis = await self._remember(_Kind.FACES, data)
        return analysis

    async def text(self, data: bytes) -> TextPage:
        """Read the text of a picture. Raises `DecodeError` when it does not decode."""
        page: TextPage = await self._remember(_Kind.TEXT, data)
        return page

    def close(self) -> None:
        """End the processes without waiting for pictures that are being analysed."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in list((getattr(self._pool, "_processes", None) or {}).values()):
            process.kill()

    async def _remember(self, kind: _Kind, data: bytes) -> Any:
        key = (kind, hashlib.sha256(data).digest())
        known = self._remembered.get(key)
        if known is None:
            known = asyncio.ensure_future(self._run(kind, data))
            self._remembered[key] = known
            while len(self._remembered) > REMEMBERED_ANALYSES:
                self._remembered.popitem(last=False)
        else:
            self._remembered.move_to_end(key)
        try:
            # A caller that is cancelled must not cancel the analysis for the others.
            result = await asyncio.shield(known)
        except BrokenProcessPool:
            self._remembered.pop(key, None)
            raise
        if result is None:
            raise DecodeError
        return result

    async def _run(self, kind: _Kind, data: bytes) -> Any:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, _analyse, kind, data)
        except BrokenProcessPool:
            # The kernel may have killed a process for its memory: try once more, with new processes.
            logger.warning("an analysis process ended unexpectedly; starting new ones")
            self._pool = self._make_pool()
            return await loop.run_in_executor(self._pool, _analyse, kind, data)

    def _make_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._processes,
            # Not fork: the gateway has threads and an event loop by now.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_load_models,
            initargs=(self._threads,),
        )
