"""Passports, by their machine-readable zone (ICAO 9303 part 4, two lines of 44 characters)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from bonafide_local.text.boxes import TextBox, TextPage
from bonafide_local.text.dates import find_dates
from bonafide_local.text.fields import PASSPORT, Field, confidence_of

_LENGTH = 44
# Fillers at the end are easily missed, and have no meaning.
_SHORTEST = 28
_FIRST_LINE = re.compile(r"^P[A-Z<][A-Z0<]{3}[A-Z0<]")
_SECOND_LINE = re.compile(r"^[A-Z0-9<]{9}[\dOQDISBZG][A-Z<0]{3}[\dOQDISBZG]{6}")
_DIGITS = str.maketrans("OQDIZSBG", "00012586")
_LETTERS = str.maketrans("01258", "OIZSB")
# A wrong check digit: some character of the zone was misread, and it is not known which.
_UNCHECKED = 0.75


@dataclass(frozen=True, slots=True)
class _Zone:
    first: str
    second: str
    score: float


def read_passport(page: TextPage) -> dict[str, Field] | None:
    """The fields of a passport, or None when the page has no machine-readable zone of one."""
    zone = _zone(page)
    if zone is None:
        return None
    names = zone.first[5:].translate(_LETTERS)
    last, _, given = names.partition("<<")
    given_names = given.strip("<").replace("<", " ").split()
    number = zone.second[0:9]
    birth, expires = zone.second[13:19].translate(_DIGITS), zone.second[21:27].translate(_DIGITS)
    certain = {
        "number": _check(number) == zone.second[9].translate(_DIGITS),
        "birth": _check(birth) == zone.second[19].translate(_DIGITS),
        "expires": _check(expires) == zone.second[27].translate(_DIGITS),
    }

    def field(text: str, good: bool = True, normalised: str | None = None) -> Field:
        return Field(text, confidence_of(zone.score, 1.0 if good else _UNCHECKED), normalised)

    fields = {
        "LAST_NAME": field(last.replace("<", " ").strip()),
        "DOCUMENT_NUMBER": field(number.replace("<", ""), certain["number"]),
        "ID_TYPE": field(PASSPORT),
        "MRZ_CODE": field(f"{zone.first}\n{zone.second}"),
    }
    if given_names:
        fields["FIRST_NAME"] = field(given_names[0])
    if given_names[1:]:
        fields["MIDDLE_NAME"] = field(" ".join(given_names[1:]))
    for name, digits, good, future in (
        ("DATE_OF_BIRTH", birth, certain["birth"], False),
        ("EXPIRATION_DATE", expires, certain["expires"], True),
    ):
        value = _date(digits, future)
        if value is not None:
            printed = _printed(page, value)
            fields[name] = field(printed, good, f"{value.isoformat()}T00:00:00")
    issued = _issued(page, fields)
    if issued is not None:
        fields["DATE_OF_ISSUE"] = issued
    return fields


def _zone(page: TextPage) -> _Zone | None:
    lines = [(re.sub(r"[\s«‹]", _filler, box.text.upper()), box) for box in page.boxes if not box.vertical]
    long = [(text, box) for text, box in lines if len(text) >= _SHORTEST]
    first = [(text, box) for text, box in long if _FIRST_LINE.match(text) and text.count("<") >= 4]
    second = [(text, box) for text, box in long if _SECOND_LINE.match(text)]
    for text, box in first:
        for other, below in second:
            if below.middle > box.middle and below.top - box.bottom < 3 * box.height:
                score = min(box.score, below.score)
                return _Zone(_padded(text), _padded(other), score)
    return None


def _filler(found: re.Match[str]) -> str:
    return "" if found[0].isspace() else "<<" if found[0] == "«" else "<"


def _padded(text: str) -> str:
    return text[:_LENGTH].ljust(_LENGTH, "<")


def _check(text: str) -> str:
    """ICAO 9303's check digit: weights 7, 3, 1, modulo 10."""
    total = 0
    for index, character in enumerate(text):
        value = 0 if character == "<" else int(character) if character.isdigit() else ord(character) - 55
        total += value * (7, 3, 1)[index % 3]
    return str(total % 10)


def _date(digits: str, future: bool) -> date | None:
    """YYMMDD; a passport is valid for ten years, a birth date lies in the past."""
    if not digits.isdigit() or len(digits) != 6:
        return None
    year, month, day = int(digits[0:2]), int(digits[2:4]), int(digits[4:6])
    # The clock only determines the century.
    pivot = date.today().year % 100
    century = 2000 if future or year <= pivot else 1900
    try:
        return date(century + year, month, day)
    except ValueError:
        return None


def _printed(page: TextPage, value: date) -> str:
    """The date as the page prints it above the zone, or in the passport's style."""
    for box in page.boxes:
        for found in find_dates(box.text):
            if found.value == value:
                return found.text
    return value.strftime("%d %b %Y").upper()


def _issued(page: TextPage, fields: dict[str, Field]) -> Field | None:
    known = {field.normalised for field in fields.values() if field.normalised}
    dates: list[tuple[TextBox, str, str]] = [(box, found.text, found.normalised) for box in page.boxes for found in find_dates(box.text)]
    free = [(box, text, normalised) for box, text, normalised in dates if normalised not in known]
    if len(free) != 1:
        return None
    box, text, normalised = free[0]
    return Field(text, confidence_of(box.score), normalised)
