"""A page of recognised text, as plain numbers that can be sent between processes."""

from __future__ import annotations

from dataclasses import dataclass

Corner = tuple[float, float]
# Clockwise from the upper left.
Corners = tuple[Corner, Corner, Corner, Corner]


@dataclass(frozen=True, slots=True)
class TextWord:
    """One word of a piece of text. ``start`` and ``end`` are ratios (0 to 1) of the piece's length, ``score`` is 0 to 1."""

    text: str
    start: float
    end: float
    score: float


@dataclass(frozen=True, slots=True)
class TextBox:
    """One piece of text. Coordinates are pixels of the page, ``score`` is 0 to 1.

    ``vertical`` is set for text that runs up or down. ``words`` are the words of the text, in order;
    ``corners`` enclose turned text more closely than the sides do. Text that was read from a picture has both.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    score: float = 1.0
    vertical: bool = False
    words: tuple[TextWord, ...] = ()
    corners: Corners | None = None

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def middle(self) -> float:
        """The y coordinate of the line's middle."""
        return (self.top + self.bottom) / 2


@dataclass(frozen=True, slots=True)
class TextPage:
    """All text of one picture, and its size in pixels."""

    width: int
    height: int
    boxes: tuple[TextBox, ...]
