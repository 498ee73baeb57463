"""Restores the spaces that OCR dropped, where the picture shows them.

The recogniser was made for Chinese and mostly leaves out the space between words. Between two words
there is a gap without ink that is wide compared with the height of the letters, and the positions of
the characters in the recogniser's output show between which two of them it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np

# The recogniser sees a line at this height, in steps of so many pixels.
_LINE_HEIGHT = 48
_STEP = 8
# The usual gap beside a letter, relative to the capitals' height, by the shape of its side: wide beside
# upright stems, narrower beside round sides, none beside slanted and open ones.
_STEM, _ROUND, _OPEN = 0.125, 0.085, 0.04
_RIGHT_STEMS, _RIGHT_ROUND = frozenset("HIJMNUdhilmnu"), frozenset("BDOQSGbopes0235689")
_LEFT_STEMS, _LEFT_ROUND = frozenset("BDEFHIKLMNPRUbhiklmnpru"), frozenset("CGOQSUcdegoqs0689")
# The gap beyond the usual one that is a space; spaces have 0.19 and more, letters at most 0.1.
_SPACE = 0.155
# Digits have the same width, so that there are gaps beside narrow ones.
_BETWEEN_FIGURES = 0.36
_BESIDE_ONE = 0.5
# The gaps beside these are ignored.
_NEVER_BESIDE = frozenset("-'’/\"#")
# Close to the character before, but low: their column looks like a gap.
_NEVER_BEFORE = frozenset(".,")
# Two fillers: a machine-readable zone, which has wide gaps between letters and no spaces.
_ZONE = "<<"
_MINIMUM_CONTRAST = 30
# A pixel is ink if it is nearer to the dark than to the light side, unlike the lines of a security pattern.
_INK_SHARE = 0.45


def restore_spaces(text: str, positions: Sequence[int], line: np.ndarray) -> str:
    """Insert spaces into a recognised line.

    ``positions`` holds the recogniser's step for each character of ``text``, ``line`` is the cut-out
    of shape (height, width, 3) that it read. The text is returned unchanged when they do not fit
    together or the contrast is too low.
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
    # A widely spaced line has larger gaps between all of its letters.
    tracking = max(0.0, float(np.median([excess.get(index, 0.0) for index in range(1, len(text))])))
    inserted = []
    for index, gap in between.items():
        before, after = text[index - 1], text[index]
        # Positions are precise to one character: this gap is that of a known space.
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
    """The middle of a recogniser's step in a line of shape (height, width, 3), as a ratio of its length."""
    height, width = line.shape[:2]
    return min(1.0, (step + 0.5) * _STEP * height / (_LINE_HEIGHT * width))


def _usual_gap(before: str, after: str) -> float:
    right = _STEM if before in _RIGHT_STEMS else _ROUND if before in _RIGHT_ROUND else _OPEN
    left = _STEM if after in _LEFT_STEMS else _ROUND if after in _LEFT_ROUND else _OPEN
    return right + left


def _assigned(gaps: list[tuple[int, int]], centers: np.ndarray) -> dict[int, float]:
    """The width in pixels of the widest gap at each boundary; index 1 is before the second character.

    The positions of a line are all early or late by up to half a character: the shift that fits gaps and
    boundaries best is found first.
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
        # A gap beside print that was not recognised (a small label before the text) is not between letters.
        if not centers[0] + shift < middle < centers[-1] + shift:
            continue
        index = int(np.abs(shifted - middle).argmin()) + 1
        found[index] = max(found.get(index, 0.0), float(width))
    return found


def _ink(gray: np.ndarray) -> np.ndarray | None:
    """A mask of the ink; None when ink and ground cannot be distinguished."""
    threshold, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    dark = gray <= threshold
    if not dark.any() or dark.all():
        return None
    low, high = float(gray[dark].mean()), float(gray[~dark].mean())
    if high - low < _MINIMUM_CONTRAST:
        return None
    # Letters cover less than half of a line: light text on a dark ground is inverted.
    if dark.mean() < 0.5:
        return gray <= low + _INK_SHARE * (high - low)
    return gray >= high - _INK_SHARE * (high - low)


def _letter_height(ink: np.ndarray) -> float:
    """Height of the letters in pixels: the rows with most of the ink."""
    rows = ink.sum(axis=1)
    filled = np.flatnonzero(rows > 0.15 * rows.max())
    return float(filled[-1] - filled[0] + 1) if filled.size else float(ink.shape[0])


def _gaps(ink: np.ndarray, height: float) -> list[tuple[int, int]]:
    """Ranges of columns without ink, between the first and the last ink."""
    columns = ink.sum(axis=0) > 0.045 * height
    filled = np.flatnonzero(columns)
    return [(int(left) + 1, int(right)) for left, right in itertools.pairwise(filled) if right - left > 1]
