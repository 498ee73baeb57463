"""The layout of text: pieces of text with their labels, and their neighbours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bonafide_local.text.boxes import TextBox
from bonafide_local.text.labels import Label, split_labels


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text box: perhaps a label, and the text after it. ``box`` is cut to the part."""

    label: Label | None
    text: str
    box: TextBox
    # Whether the label is only an AAMVA number (1, 2, 8 …), which counts less than a word.
    numbered: bool = False

    @property
    def score(self) -> float:
        return self.box.score


def pieces_of(boxes: tuple[TextBox, ...]) -> list[Piece]:
    """Split boxes at their labels; upright text only, in reading order."""
    pieces: list[Piece] = []
    for box in sorted((box for box in boxes if not box.vertical), key=lambda box: (box.middle, box.left)):
        text = " ".join(box.text.upper().split())
        length = max(1, len(text))
        for part in split_labels(text):
            left = box.left + box.width * part.start / length
            right = box.left + box.width * part.end / length
            pieces.append(Piece(part.label, part.text, replace(box, left=left, right=right), part.numbered))
    return pieces


def same_row(first: TextBox, second: TextBox) -> bool:
    """Whether two boxes share a line: the middle of the lower one lies within the other."""
    overlap = min(first.bottom, second.bottom) - max(first.top, second.top)
    return overlap >= 0.5 * min(first.height, second.height)


def right_of(piece: Piece, pieces: list[Piece], reach: float) -> list[Piece]:
    """Pieces on the same line to the right, nearest first, within ``reach`` heights."""
    limit = piece.box.right + reach * max(piece.box.height, 1.0)
    found = [
        other
        for other in pieces
        if other is not piece
        and other.box.left >= piece.box.right - 0.6 * piece.box.height
        and other.box.left > piece.box.left
        and other.box.left <= limit
        and same_row(piece.box, other.box)
    ]
    return sorted(found, key=lambda other: other.box.left)


def below(piece: Piece, pieces: list[Piece], reach: float, *, outdent: float = 2.5, indent: float = 5.0) -> list[Piece]:
    """Pieces under this one, nearest first: starting near its left edge, within ``reach`` heights."""
    height = max(piece.box.height, 1.0)
    found = []
    for other in pieces:
        if other is piece or same_row(piece.box, other.box):
            continue
        gap = other.box.top - piece.box.bottom
        unit = max(height, other.box.height)
        offset = other.box.left - piece.box.left
        near = -0.6 * unit <= gap <= reach * unit and other.box.middle > piece.box.middle
        if near and -outdent * unit <= offset <= indent * unit:
            found.append(other)
    return sorted(found, key=lambda other: (round((other.box.top - piece.box.bottom) / height), abs(other.box.left - piece.box.left)))


def above(piece: Piece, pieces: list[Piece], reach: float, *, outdent: float = 4.0, indent: float = 4.0) -> list[Piece]:
    """Pieces over this one, nearest first."""
    found = []
    for other in pieces:
        if other is piece or same_row(piece.box, other.box):
            continue
        gap = piece.box.top - other.box.bottom
        unit = max(piece.box.height, other.box.height)
        offset = other.box.left - piece.box.left
        near = -0.6 * unit <= gap <= reach * unit and other.box.middle < piece.box.middle
        if near and -outdent * unit <= offset <= indent * unit:
            found.append(other)
    return sorted(found, key=lambda other: piece.box.top - other.box.bottom)


def joined_row(piece: Piece, pieces: list[Piece], accept: Callable[[Piece], bool], gap: float = 1.6) -> Piece:
    """The piece joined with the unlabelled pieces that continue its line."""
    current = piece
    while True:
        followers = [other for other in right_of(current, pieces, gap) if other.box.left > current.box.left + 1]
        if not followers or followers[0].label is not None or not followers[0].text or not accept(followers[0]):
            return current
        following = followers[0]
        box = replace(
            current.box,
            right=following.box.right,
            top=min(current.box.top, following.box.top),
            bottom=max(current.box.bottom, following.box.bottom),
            score=min(current.box.score, following.box.score),
        )
        current = Piece(current.label, f"{current.text} {following.text}".strip(), box, current.numbered)
        pieces = [other for other in pieces if other is not following]
