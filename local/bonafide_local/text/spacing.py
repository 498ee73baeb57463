"""Putting back the spaces that OCR dropped, where the picture itself shows them.

The recogniser was made for Chinese and mostly leaves out the space between words. The position at
which it saw each character tells where to look; between two words there is a stretch without ink
that is wide compared with the height of the letters.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

# The recogniser sees a line at this height, in steps of so many pixels.
_LINE_HEIGHT = 48
_STEP = 8
# Share of the letters' height. Between letters there is 0.05 to 0.2, between words 0.4 and more.
_WORD_GAP = 0.32
# Beside a narrow character the gap looks wider without being a space.
_NARROW_GAP = 0.46
_NARROW = frozenset("1Iil.,-/':;|!()\"*#")
# And compared with the other gaps of the same line.
_TIMES_USUAL = 1.9
_MINIMUM_CONTRAST = 40


def restore_spaces(text: str, positions: Sequence[int], line: np.ndarray) -> str:
    """Insert spaces into a recognised line.

    ``positions`` holds the recogniser's step for each character of ``text``, ``line`` is the cut-out
    of shape (height, width, 3) that it read. The text comes back unchanged when they do not fit
    together or the picture is too weak to tell.
    """
    if len(text) < 3 or len(positions) != len(text):
        return text
    gray = cv2.cvtColor(line, cv2.COLOR_BGR2GRAY)
    ink = _ink(gray)
    if ink is None:
        return text
    rows = np.flatnonzero(ink.any(axis=1))
    letter_height = max(4, int(rows[-1] - rows[0] + 1)) if rows.size else gray.shape[0]
    # The cut-out has a margin above and below that ink rarely fills; noise may.
    letter_height = min(letter_height, gray.shape[0] * 0.85)
    columns = ink.sum(axis=0) > max(1, 0.06 * letter_height)
    scale = gray.shape[0] / _LINE_HEIGHT
    centers = [(position + 0.5) * _STEP * scale for position in positions]
    gaps = [_widest_gap(columns, left, right) for left, right in zip(centers, centers[1:], strict=False)]
    known = [gap for index, gap in enumerate(gaps) if text[index] != " " and text[index + 1] != " "]
    usual = float(np.median(known)) if known else 0.0
    restored = [text[0]]
    for index, gap in enumerate(gaps):
        before, after = text[index], text[index + 1]
        if before != " " and after != " ":
            narrow = before in _NARROW or after in _NARROW
            limit = (_NARROW_GAP if narrow else _WORD_GAP) * letter_height
            if gap >= limit and gap >= _TIMES_USUAL * usual:
                restored.append(" ")
        restored.append(after)
    return "".join(restored)


def _ink(gray: np.ndarray) -> np.ndarray | None:
    """Where there is ink, as booleans; None when ink and ground cannot be told apart."""
    threshold, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    dark = gray <= threshold
    if not dark.any() or dark.all():
        return None
    if float(gray[~dark].mean()) - float(gray[dark].mean()) < _MINIMUM_CONTRAST:
        return None
    # Letters cover less than half of a line: light text on a dark ground is the other way round.
    return dark if dark.mean() < 0.5 else ~dark


def _widest_gap(columns: np.ndarray, left: float, right: float) -> int:
    """The longest run of ink-free columns between two character centres, in pixels."""
    start, end = max(0, round(left)), min(len(columns), round(right) + 1)
    longest = run = 0
    for filled in columns[start:end]:
        run = 0 if filled else run + 1
        longest = max(longest, run)
    return longest
