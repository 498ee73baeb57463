"""The formats of licence numbers by state, to distinguish them from other numbers and to correct O to 0.

Source: https://ntsi.com/drivers-license-format/ . Sources differ, so a number that does not fit is
not changed. A is a letter, N a digit.
"""

from __future__ import annotations

import re

_FORMATS: dict[str, str] = {
    "AL": "1-8N", "AK": "1-7N", "AZ": "A8N|9N", "AR": "4-9N", "CA": "A7N", "CO": "9N|A3-6N|2A2-5N", "CT": "9N",
    "DE": "1-7N", "DC": "7N|9N", "FL": "A12N", "GA": "7-9N", "HI": "A8N|9N", "ID": "2A6NA|9N", "IL": "A11-12N",
    "IN": "A9N|9-10N", "IA": "9N|3N2A4N", "KS": "ANANA|A8N|9N", "KY": "A8-9N|9N", "LA": "1-9N", "ME": "7NA|7-8N",
    "MD": "A12N", "MA": "A8N|9N|2A7N", "MI": "A10N|A12N", "MN": "A12N", "MS": "9N", "MO": "A5-9N|8N2A|9NA|9N",
    "MT": "A8N|9N|13-14N", "NE": "A6-8N", "NV": "9-10N|12N|A8N", "NH": "2N3A5N|3A8N", "NJ": "A14N", "NM": "8-9N",
    "NY": "A7N|A18N|8-9N|16N|8A", "NC": "1-12N", "ND": "3A6N|9N", "OH": "A4-8N|2A3-7N|8N", "OK": "A9N|9N",
    "OR": "1-9N|A6N|7N", "PA": "8N", "RI": "7-8N|A6N", "SC": "5-11N", "SD": "6-10N|12N", "TN": "7-9N", "TX": "7-8N",
    "UT": "4-10N", "VT": "8N|7NA", "VA": "A8-11N|9N", "WA": "3A7X|12X", "WV": "A6N|7N|2A5N", "WI": "A13N", "WY": "9-10N",
}  # fmt: skip
_PART = re.compile(r"(\d+)?(?:-(\d+))?([ANX])")
_CLASSES = {"A": "[A-Z]", "N": r"\d", "X": "[A-Z0-9*]"}


def _compiled(formats: str) -> list[re.Pattern[str]]:
    patterns = []
    for one in formats.split("|"):
        text = "".join(f"{_CLASSES[kind]}{{{least or 1},{most or least or 1}}}" for least, most, kind in _PART.findall(one))
        patterns.append(re.compile(f"^{text}$"))
    return patterns


_PATTERNS = {state: _compiled(formats) for state, formats in _FORMATS.items()}
_TO_DIGIT = str.maketrans("OQDIL|ZSB", "000111258")
_TO_LETTER = str.maketrans("015826", "OISBZG")
_SEPARATORS = re.compile(r"[\s\-.]")


def fits(number: str, state: str | None) -> bool:
    """Whether a number, separators aside, has a format of the state."""
    bare = _SEPARATORS.sub("", number)
    return any(pattern.match(bare) for pattern in _PATTERNS.get(state or "", []))


def correct(number: str, state: str | None) -> str:
    """Exchange letters and digits that look alike, only if that alone makes the number fit its state.

    Separators stay as printed.
    """
    if not state or fits(number, state):
        return number
    bare_length = len(_SEPARATORS.sub("", number))
    for letters in (0, 1, 2):
        if letters > bare_length:
            break
        corrected = _corrected(number, letters)
        if fits(corrected, state):
            return corrected
    return number


def _corrected(number: str, letters: int) -> str:
    """The first ``letters`` characters as letters, the others as digits."""
    seen = 0
    result = []
    for character in number:
        if _SEPARATORS.match(character):
            result.append(character)
            continue
        result.append(character.translate(_TO_LETTER if seen < letters else _TO_DIGIT))
        seen += 1
    return "".join(result)
