"""OCR of a document picture with RapidOCR's models (PP-OCRv4), with the spaces restored.

The recogniser was made for Chinese and mostly leaves out the space between words. It works in steps of
eight pixels, and the step of each character shows where a gap is wider than between letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import cv2
import numpy as np
from rapidocr_onnxruntime import RapidOCR

from bonafide_local.text.boxes import Corners, TextBox, TextPage, TextWord
from bonafide_local.text.spacing import restore_spaces, step_share

# A card at 150 to 200 pixels per centimetre: small print is about 20 pixels high, which is
# enough for the recogniser, and the detector needs a second. Larger pictures only cost time.
WORKING_SIDE = 1_600
MAXIMUM_RATIO = 6
MINIMUM_SCORE = 0.5
TALL = 1.5


# The recogniser knows Chinese punctuation, and sometimes reads a dash as the Chinese numeral one.
_LATIN = str.maketrans("。、一–—−‘’′“”″×", ".,----'''\"\"\"X")


def latin(text: str) -> str:
    """Replace full-width and Chinese characters by the Latin ones."""
    return unicodedata.normalize("NFKC", text).translate(_LATIN)


class TextReader:
    """Holds the models. Loading takes about half a second, so make one per process."""

    def __init__(self, threads: int) -> None:
        self._engine = RapidOCR(intra_op_num_threads=threads, inter_op_num_threads=1)

    def read(self, picture: np.ndarray) -> TextPage:
        """Read an upright RGB picture of shape (height, width, 3)."""
        height, width = picture.shape[:2]
        if max(height, width) > MAXIMUM_RATIO * min(height, width):
            # The detector would enlarge a strip until its short side has 736 pixels.
            return TextPage(width, height, ())
        scale = WORKING_SIDE / max(height, width)
        working = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        boxes = self._boxes(cv2.cvtColor(working, cv2.COLOR_RGB2BGR))
        return TextPage(working.shape[1], working.shape[0], tuple(boxes))

    def _boxes(self, picture: np.ndarray) -> list[TextBox]:
        corners, _ = self._engine.auto_text_det(picture)
        if corners is None:
            return []
        crops = self._engine.get_crop_img_list(picture, corners)
        recognised, _ = self._engine.text_rec(crops, True)
        boxes = []
        for corner, crop, (text, score, steps) in zip(corners, crops, recognised, strict=True):
            if score < MINIMUM_SCORE or not text.strip():
                continue
            left, top = corner.min(axis=0)
            right, bottom = corner.max(axis=0)
            positions = [step for word in steps[2] for step in word]
            spaced = restore_spaces(text, positions, crop)
            boxes.append(
                TextBox(
                    text=latin(spaced),
                    left=float(left),
                    top=float(top),
                    right=float(right),
                    bottom=float(bottom),
                    score=float(score),
                    vertical=bool(bottom - top >= TALL * (right - left) and len(text) > 2),
                    words=_words(text, spaced, [step_share(position, crop) for position in positions], steps[4]),
                    corners=_corners(corner),
                )
            )
        return boxes


def _words(text: str, spaced: str, centers: Sequence[float], scores: Sequence[float]) -> tuple[TextWord, ...]:
    """The words of a line that was read as ``text``, which is ``spaced`` with its spaces restored.

    ``centers`` are the middles of the characters of ``text``, as ratios of the line's length.
    """
    # Fillers of a machine-readable zone have low scores though they are read correctly: they do not count for its letters.
    doubts = [1.0 if character == "<" else score for character, score in zip(text, scores, strict=True)]
    seen = [(center, score) for character, center, score in zip(text, centers, doubts, strict=True) if not character.isspace()]
    words = []
    for word in spaced.split():
        part, seen = seen[: len(word)], seen[len(word) :]
        first, last = part[0][0], part[-1][0]
        # Half a character further at both ends.
        half = (last - first) / (len(part) - 1) / 2 if len(part) > 1 else 0.5 / max(len(text), 1)
        # One uncertain letter can make another word, which a mean would hide.
        score = min(score for _, score in part)
        words.append(TextWord(latin(word), max(0.0, first - half), min(1.0, last + half), score))
    return tuple(words)


def _corners(corners: np.ndarray) -> Corners:
    first, second, third, fourth = ((float(x), float(y)) for x, y in corners)
    return first, second, third, fourth
