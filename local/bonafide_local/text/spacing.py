"""Putting back the spaces that OCR dropped, where the picture itself shows them.

The recogniser was made for Chinese and mostly leaves out the space between words. Between two words
there is a stretch without ink that is wide compared with the height of the letters, and the
positions at which the recogniser saw the characters tell between which two of them it lies.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np

# The recogniser sees a line at this height, in steps of so many pixels.
_LINE_HEIGHT = 48
_STEP = 8
# How far a letter keeps from its neighbour, as a share of the capitals' height, by the shape of the
# side that faces it: upright stems stand apart, round sides less, slanted and open ones touch.
_STEM, _ROUND, _OPEN = 0.125, 0.085, 0.04
_RIGHT_STEMS, _RIGHT_ROUND = frozenset("HIJMNUdhilmnu"), frozenset("BDOQSGbopes0235689")
_LEFT_STEMS, _LEFT_ROUND = frozenset("BDEFHIKLMNPRUbhiklmnpru"), frozenset("CGOQSUcdegoqs0689")
# What must be left after that for a space; spaces leave 0.19 and more, letters at most 0.1.
_SPACE = 0.155
# Figures have all the same width, so the narrow ones leave gaps of their own.
_BETWEEN_FIGURES = 0.36
_BESIDE_ONE = 0.5
# Their gaps say nothing.
_NEVER_BESIDE = frozenset("-'’/\"#")
# Set close to what they follow, but low: seen from above they leave a gap.
_NEVER_BEFORE = frozenset(".,")
# Two fillers: a machine-readable zone, which has no spaces, however wide apart its letters stand.
_ZONE = "<<"
_MINIMUM_CONTRAST = 30
# Ink is what is nearer to the dark than to the light side: the lines of a security pattern are not.
_INK_SHARE = 0.45


def restore_spaces(text: str, positions: Sequence[int], line: np.ndarray) -> str:
    """Insert spaces into a recognised line.

    ``positions`` holds the recogniser's step for each character of ``text``, ``line`` is the cut-out
    of shape (height, width, 3) that it read. The text comes back unchanged when they do not fit
    together or the picture is too weak to tell.
    """
    if _ZONE in text:
        return text.replace(" ", "")
    if len(text) < 3 or len(positions) != len(text):
        return text
    ink = _ink(cv2.cvtColor(line, cv2.COLOR_BGR2GRAY))
    if ink is None:
        return text
    height = _letter_height(ink)
    gaps = _gaps(ink, height)
    scale = ink.shape[0] / _LINE_HEIGHT
    centers = np.array([(position + 0.5) * _STEP * scale for position in positions])
    between = _assigned(gaps, centers)
    excess = {index: gap / height - _usual_gap(text[index - 1], text[index]) for index, gap in between.items()}
    # A widely set line has more between all of its letters.
    tracking = max(0.0, float(np.median([excess.get(index, 0.0) for index in range(1, len(text))])))
    inserted = []
    for index, gap in between.items():
        before, after = text[index - 1], text[index]
        # One character off is within the recogniser's precision: the gap is that of a known space.
        if " " in text[max(0, index - 2) : index + 2] or before in _NEVER_BESIDE or after in _NEVER_BESIDE | _NEVER_BEFORE:
            continue
        if before.isdigit() and after.isdigit():
            if gap >= (_BESIDE_ONE if "1" in (before, after) else _BETWEEN_FIGURES) * height:
                inserted.append(index)
        elif excess[index] - tracking >= _SPACE:
            inserted.append(index)
    for index in sorted(inserted, reverse=True):
        text = f"{text[:index]} {text[index:]}"
    return text


def step_share(step: int, line: np.ndarray) -> float:
    """Where in a line, cut out with shape (height, width, 3), the middle of a recogniser's step lies: 0 to 1."""
    height, width = line.shape[:2]
    return min(1.0, (step + 0.5) * _STEP * height / (_LINE_HEIGHT * width))


def _usual_gap(before: str, after: str) -> float:
    right = _STEM if before in _RIGHT_STEMS else _ROUND if before in _RIGHT_ROUND else _OPEN
    left = _STEM if after in _LEFT_STEMS else _ROUND if after in _LEFT_ROUND else _OPEN
    return right + left


def _assigned(gaps: list[tuple[int, int]], centers: np.ndarray) -> dict[int, float]:
    """The width in pixels of the widest gap at each boundary; index 1 is before the second character.

    The recogniser is early or late by up to half a character, the same along a line: the shift that
    brings gaps and boundaries together best is found first.
    """
    if not gaps:
        return {}
    middles = np.array([(start + end) / 2 for start, end in gaps])
    widths = np.array([end - start for start, end in gaps], dtype=float)
    boundaries = (centers[1:] + centers[:-1]) / 2
    shifts = np.linspace(-0.6, 0.6, 25) * float(np.median(np.diff(centers)))
    costs = [float((widths * np.abs(middles[:, None] - (boundaries + shift)[None, :]).min(axis=1)).sum()) for shift in shifts]
    shift = shifts[int(np.argmin(costs))]
    shifted = boundaries + shift
    found: dict[int, float] = {}
    for middle, width in zip(middles, widths, strict=True):
        # Beside what was not recognised at all (a small label before the text) is not between letters.
        if not centers[0] + shift < middle < centers[-1] + shift:
            continue
        index = int(np.abs(shifted - middle).argmin()) + 1
        found[index] = max(found.get(index, 0.0), float(width))
    return found


def _ink(gray: np.ndarray) -> np.ndarray | None:
    """Where there is ink, as booleans; None when ink and ground cannot be told apart."""
    threshold, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    dark = gray <= threshold
    if not dark.any() or dark.all():
        return None
    low, high = float(gray[dark].mean()), float(gray[~dark].mean())
    if high - low < _MINIMUM_CONTRAST:
        return None
    # Letters cover less than half of a line: light text on a dark ground is the other way round.
    if dark.mean() < 0.5:
        return gray <= low + _INK_SHARE * (high - low)
    return gray >= high - _INK_SHARE * (high - low)


def _letter_height(ink: np.ndarray) -> float:
    """Height of the letters in pixels: the rows in which most of the ink lies."""
    rows = ink.sum(axis=1)
    filled = np.flatnonzero(rows > 0.15 * rows.max())
    return float(filled[-1] - filled[0] + 1) if filled.size else float(ink.shape[0])


def _gaps(ink: np.ndarray, height: float) -> list[tuple[int, int]]:
    """Stretches of columns without ink, between the first and the last ink."""
    columns = ink.sum(axis=0) > 0.045 * height
    filled = np.flatnonzero(columns)
    return [(int(left) + 1, int(right)) for left, right in itertools.pairwise(filled) if right - left > 1]
