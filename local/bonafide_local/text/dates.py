"""Dates as US licences and passports print them, and as OCR damages them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DIGITS = str.maketrans("OoQDIl|SB", "000011158")
_D = r"[\dOoQDIl|]"
_NUMERIC = re.compile(rf"(?<![\d/]){_D}{{1,2}}\s?[/\-.]\s?{_D}{{1,2}}\s?[/\-.]\s?{_D}{{4}}(?!\d)")
_SHORT_YEAR = re.compile(rf"(?<![\d/\-]){_D}{{2}}[/\-.]{_D}{{2}}[/\-.]{_D}{{2}}(?![\d/\-])")
# A slash read as 1, 7, l or I, or not at all.
_DAMAGED = re.compile(rf"(?<!\d){_D}{{2}}[/\-.17lI| ]?{_D}{{2}}[/\-.17lI| ]?(?:19|20)\d{{2}}(?!\d)")
_MONTH_NAME = re.compile(
    rf"(?P<day1>{_D}{{1,2}})?[\s\-.]*(?P<month>{'|'.join(_MONTHS)})[A-Z]*[\s\-.,]*(?:(?P<day2>{_D}{{1,2}})[\s\-.,]+)?(?P<year>(?:19|20)\d{{2}})"
)
_YEAR_FIRST = re.compile(r"(?<!\d)((?:19|20)\d{2})[/\-.](\d{2})[/\-.](\d{2})(?!\d)")


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date, its printed text (with digits corrected), and its place in the line."""

    text: str
    value: date
    start: int
    end: int

    @property
    def normalised(self) -> str:
        """AnalyzeID's normalised value, ``1957-06-06T00:00:00``."""
        return f"{self.value.isoformat()}T00:00:00"


def find_dates(text: str, labelled: bool = False) -> list[FoundDate]:
    """All dates of a line, from left to right.

    ``labelled``: the text follows the label of a date, so that damaged and short forms are accepted.
    """
    upper = text.upper()
    found: list[FoundDate] = []
    patterns = [(_YEAR_FIRST, _year_first), (_NUMERIC, _numeric), (_MONTH_NAME, _month_name)]
    if labelled:
        patterns += [(_DAMAGED, _damaged), (_SHORT_YEAR, _numeric)]
    for pattern, read in patterns:
        for match in pattern.finditer(upper):
            if any(match.start() < known.end and known.start < match.end() for known in found):
                continue
            parsed = read(match)
            if parsed is not None:
                printed, value = parsed
                found.append(FoundDate(printed, value, match.start(), match.end()))
    return sorted(found, key=lambda one: one.start)


def _numeric(match: re.Match[str]) -> tuple[str, date] | None:
    printed = re.sub(r"\s", "", match[0]).translate(_DIGITS)
    first, second, year = (int(part) for part in re.split(r"[/\-.]", printed))
    if year < 100:
        # Only licences from before 2000 print two digits, and only for birth dates in practice.
        year += 1900 if year > 35 else 2000
    return _checked(printed, year, first, second)


def _damaged(match: re.Match[str]) -> tuple[str, date] | None:
    raw = match[0]
    if len(raw) == 10:
        month, day, year = raw[0:2], raw[3:5], raw[6:10]
    elif len(raw) == 8:
        month, day, year = raw[0:2], raw[2:4], raw[4:8]
    else:
        # One separator is missing; the digits decide on which side.
        digits = re.sub(r"[/\-. |]", "", raw)
        if len(digits) != 8:
            return None
        month, day, year = digits[0:2], digits[2:4], digits[4:8]
    parts = [part.translate(_DIGITS) for part in (month, day, year)]
    if not all(part.isdigit() for part in parts):
        return None
    return _checked("/".join(parts), int(parts[2]), int(parts[0]), int(parts[1]))


def _month_name(match: re.Match[str]) -> tuple[str, date] | None:
    day = (match["day2"] or match["day1"] or "").translate(_DIGITS)
    if not day.isdigit():
        return None
    month = _MONTHS.index(match["month"]) + 1
    return _checked(match[0].strip(), int(match["year"]), month, int(day))


def _year_first(match: re.Match[str]) -> tuple[str, date] | None:
    return _checked(match[0], int(match[1]), int(match[2]), int(match[3]))


def _checked(printed: str, year: int, month: int, day: int) -> tuple[str, date] | None:
    # US order, month first, unless the first number cannot be a month.
    if month > 12 and day <= 12:
        month, day = day, month
    try:
        value = date(year, month, day)
    except ValueError:
        return None
    return (printed, value) if 1900 <= year <= 2100 else None
