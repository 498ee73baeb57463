"""The labels of US driver licences: AAMVA's numbers and the words that states print.

AAMVA's card design standard (DL/ID-2020, table D.3) numbers the fields: 1 family name, 2 given
names, 3 date of birth, 4a issued, 4b expires, 4d customer number, 5 discriminator, 8 address,
9 class, 9a endorsements, 12 restrictions, 15 sex, 16 height, 17 weight, 18 eyes, 19 hair. States
print the numbers, words, or both, and OCR glues them to the value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from bonafide_local.text.dates import find_dates
from bonafide_local.text.places import looks_like_street


class Label(Enum):
    """The field that a label stands for."""

    LAST_NAME = auto()
    FIRST_NAME = auto()
    MIDDLE_NAME = auto()
    SUFFIX = auto()
    NAME = auto()
    ADDRESS = auto()
    BIRTH = auto()
    ISSUED = auto()
    EXPIRES = auto()
    NUMBER = auto()
    CLASS = auto()
    ENDORSEMENTS = auto()
    RESTRICTIONS = auto()
    COUNTY = auto()
    VETERAN = auto()
    # Recognized in order to ignore their values.
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a line: its label, the text after the label, and the range of both in the line."""

    label: Label | None
    text: str
    start: int
    end: int
    numbered: bool = False


# A word is a label if a date or nothing follows.
_DATE_NEXT = (
    r"(?=[\s:.\-]*(?:[\dOQIl]{1,2}\s?[/\-. ]|\d{4,8}|(?:\d{1,2}\s?)?(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)|$|[^\w\s]*$))"
)
_END = r"(?=$|[\s:.#\-])"
# A letter or digit before the word means that the word is part of another one; a date may precede it.
_START = r"(?<![A-Z])"

# (label, number that may precede it, pattern). Earlier rows have precedence where two match at one place.
_WORDS: tuple[tuple[Label, str, str], ...] = (
    (Label.BIRTH, "3", rf"(?:D\s?[O0Q]\s?B|D[O0Q]8(?=[\s:.])|D\.\s?O\.\s?B\.?|DATE\s?OF\s?BIRTH|BIRTH\s?DATE|BIRTH|BORN|DOB/FDN){_DATE_NEXT}"),
    (Label.EXPIRES, r"4\s?[B68H]", rf"(?:EXP\s?DATE|EXPIRATION\s?DATE|DATE\s?OF\s?EXPIRATION|EXPIRES\s?ON|EXPIRATION|EXPIRES|EXPIRY|EXPIRE|EXPDATE|EXP|VALID\s?(?:UNTIL|THRU)){_DATE_NEXT}"),
    (Label.ISSUED, r"4\s?A", rf"(?:ISSUE\s?DATE|DATE\s?OF\s?ISSUE|DATE\s?ISSUED|ISSUED\s?ON|ISSUED|ISSUE|ISSD|[I1L]SS){_DATE_NEXT}"),
    (Label.OTHER, "5", r"(?:(?<!\d)D\s?D|(?<=5)\s?DD|DOCUMENT\s?DISCRIMINATOR|DISCRIMINATOR|DCF)(?=[\s:.#\-]*[A-Z0-9*]*\d|[\s:.]*$)"),
    (Label.OTHER, "", r"(?:AUDIT\s?(?:NO|NUMBER|#)?|ICN|INVENTORY|CONTROL\s?(?:NO|NUMBER)|REV\s?DATE|REV|FIRST\s?(?:ISSUED|LICENSED)|DUPLICATE|DUPS?|SSN|ORIG(?:INAL)?\s?ISS)(?=[\s:.#\-]*[\d/]|[\s:.]*$)"),
    (Label.NUMBER, r"4\s?[D0O]", r"(?:D[LI]\s?/\s?ID\s?(?:NUMBER|NO\.?|#)?|(?:DRIVER(?:'?S)?\s?)?LIC(?:ENSE|ENCE)?\s?[/&]\s?ID\s?(?:NO|NUMBER|#)?|(?:OPERATOR\s?|DRIVER'?S?\s?)?LIC(?:ENSE|ENCE)?\.?\s?(?:NO|NUMBER|#|NUM)\.?|D\.?\s?L\.?\s?(?:NO|NUMBER|#|N)\.?|DLN|OLN|DL\s?ID|CUSTOMER\s?(?:IDENTIFIER|ID(?:ENTIFIER)?|NO|NUMBER)(?:\s?(?:NO|NUMBER))?|CID|ID\s?(?:NO|NUMBER|#)\.?|NUMBER|NO\.|LIC#|ID#|DL(?=[\s:.]*[A-Z]{0,2}\s?\d)|D1(?=[\s:.]+[A-Z]{0,2}\d)|DL$|LIC(?=[\s:.]+[A-Z]{0,2}\d)|LIC\.?$|^ID(?=[\s.]+\d{9}$)|ID(?=[\s:.]+(?!\d{5}(?:-?\d{4})?\W*$)[A-Z]{0,2}\d)|ID:)(?=$|[\s:.#\-]|[A-Z]{0,3}\d|[A-Z]{2,7}[A-Z0-9*]{3,7}\d)"),
    (Label.LAST_NAME, "1", rf"(?:LAST\s?NAME|FAMILY\s?NAME|SURNAME|LNAME|LAST{_END}|LN(?=[\s:.]|$|[A-Z]))"),
    (Label.FIRST_NAME, "2", rf"(?:FIRST\s?NAME|GIVEN\s?NAMES?|FIRST\s?/\s?MIDDLE(?:\s?NAME)?|FNAME|GIVEN{_END}|FIRST{_END}|FN(?=[\s:.]|$|[A-Z]))"),
    (Label.MIDDLE_NAME, "", rf"(?:MIDDLE\s?NAMES?|MIDDLE{_END}|MN(?=[\s:.]+[A-Z]))"),
    (Label.SUFFIX, "", rf"(?:SUFFIX|SFX){_END}"),
    (Label.ADDRESS, "8", r"(?:RESIDENCE\s?ADDRESS|STREET\s?ADDRESS|MAILING\s?ADDRESS|ADDRESS|ADDR|RESIDENCE)(?=[\s:.]|$|\d)"),
    (Label.NAME, "1", rf"(?:FULL\s?NAME|NAME){_END}"),
    (Label.COUNTY, "", r"COUNTY(?=[\s:.]|$)"),
    (Label.OTHER, "1?5", r"(?:SEX|GENDER)(?=[\s:.]|$|[MFX]\b)"),
    (Label.OTHER, "1?6", r"(?:HGT|HEIGHT|HT)(?=[\s:.]|$|\d)"),
    (Label.OTHER, "1?7", r"(?:WGT|WEIGHT|WT)(?=[\s:.]|$|\d)"),
    (Label.OTHER, "1?8", r"EYES?(?=[\s:.]|$|(?:BR|BL|GR|HA|GY|DK|BK|PI|MU)[A-Z]{0,3}\b)"),
    (Label.OTHER, "1?9", r"HAIR(?=[\s:.]|$|(?:BR|BL|GR|RE|SD|WH|BA|GY)[A-Z]{0,3}\b)"),
    (Label.ENDORSEMENTS, r"9\s?A", r"(?:ENDORSEMENTS?|ENDORSE|ENDORS|END)(?=[\s:.]|$|NONE|[A-Z0-9]{1,3}$)"),
    (Label.RESTRICTIONS, r"1?2", r"(?:RESTRICTIONS?|RESTRICT|RESTR|REST|RSTR|RES)(?=[\s:.]|$|NONE|[A-Z0-9]{1,3}$)"),
    (Label.CLASS, "9", r"CLASS(?=[\s:.]|$|[A-Z0-9]{1,3}\b)"),
    (Label.OTHER, "", r"(?:ORGAN\s?DONOR|DONOR|UNDER\s?(?:18|21)(?:\s?UNTIL)?|AGE\s?(?:18|21)(?:\s?ON)?|TURNS\s?(?:18|21))(?=[\s:.]|$|\d)"),
)  # fmt: skip
# These words also occur inside of values (8 123 STREET ADDRESS), so they only count at a box's start.
_ONLY_FIRST = frozenset({Label.LAST_NAME, Label.FIRST_NAME, Label.MIDDLE_NAME, Label.SUFFIX, Label.NAME, Label.ADDRESS, Label.COUNTY})


def _compiled(label: Label, number: str, pattern: str) -> re.Pattern[str]:
    # The number may be there, glued or not; at a box's start also what is left of a damaged one.
    lead = rf"(?<![A-Z\d/\-])(?:{number})[\s.:)\-]{{0,3}}|" if number else ""
    start = r"^\W{0,2}" if label in _ONLY_FIRST else ""
    return re.compile(rf"{start}(?:{lead}{_START})(?:{pattern})")


_COMPILED = [(label, _compiled(label, number, pattern)) for label, number, pattern in _WORDS]
# A neighbouring column that the detector took into the line: CARDHOLDEREND NONE.
_GLUED_END = re.compile(r"(?<=[A-Z]{3})END\s?NONE$")
_VETERAN = re.compile(r"(?<![A-Z])VETERAN(?![A-Z])")

# Numbers that are a label without a word, at the start of a box, and what must follow each.
# Digits that look like letters are accepted; the parser corrects them.
_NAME = r"[A-Z0158][A-Z0158'’.,\- ]*"
_NUMBERED: tuple[tuple[Label, re.Pattern[str]], ...] = (
    (Label.LAST_NAME, re.compile(rf"^[1IL|][\s.:)\-]{{1,3}}(?={_NAME}$)|^1(?=[A-Z][A-Z0158'’.,\- ]+$)")),
    (Label.FIRST_NAME, re.compile(rf"^2[\s.:)\-]{{1,3}}(?={_NAME}$)|^2(?=[A-Z][A-Z0158'’.,\- ]+$)")),
    (Label.BIRTH, re.compile(r"^3[\s.:)]{0,2}(?=\d{2}[/\-.]\d{2}[/\-.]\d{4})")),
    (Label.ISSUED, re.compile(r"^4\s?A[\s.:)]{0,2}(?=\d{2}[/\-.]|$)")),
    (Label.EXPIRES, re.compile(r"^4\s?[BH][\s.:)]{0,2}(?=\d{2}[/\-.]|$)")),
    (Label.NUMBER, re.compile(r"^4\s?D[\s.:)]{0,2}(?=[A-Z0-9]|$)")),
    (Label.OTHER, re.compile(r"^5[\s.:)]{1,2}(?=[A-Z0-9]{8,}$)")),
    (Label.ENDORSEMENTS, re.compile(r"^9\s?A[\s.:)]{0,2}(?=[A-Z0-9]{0,4}$)")),
    (Label.CLASS, re.compile(r"^9[\s.:)]{0,2}(?=[A-Z]{1,3}$)")),
    (Label.RESTRICTIONS, re.compile(r"^12[\s.:)]{0,2}(?=[A-Z]{1,4}$)")),
    (Label.OTHER, re.compile(r"^1[5-9][\s.:)]{1,2}(?=[A-Z0-9'\"\- ]{1,9}$)")),
)
_TWO_NAMES = re.compile(r"^1[\s.:)]{0,2}([A-Z][A-Z'’\- ]*?)[\s,]*2[\s.:)]{0,2}([A-Z][A-Z'’.\- ]*)$")
_ONLY_NUMBER: dict[str, Label] = {
    "1": Label.LAST_NAME, "2": Label.FIRST_NAME, "3": Label.BIRTH, "4A": Label.ISSUED, "4B": Label.EXPIRES,
    "4D": Label.NUMBER, "5": Label.OTHER, "8": Label.ADDRESS, "9": Label.CLASS, "9A": Label.ENDORSEMENTS,
    "12": Label.RESTRICTIONS, "15": Label.OTHER, "16": Label.OTHER, "17": Label.OTHER, "18": Label.OTHER, "19": Label.OTHER,
}  # fmt: skip
# An 8 and a street: only the whole page distinguishes a glued label from a house number (see the parser).
_SPACED_EIGHT = re.compile(r"^8[\s.:)\-]+(?=\d|P\.?\s?O)")
_LABEL_TAIL = " :.#-"


def split_labels(line: str) -> list[Part]:
    """Split an upper-case line at its labels; a line without labels is one part."""
    stripped = line.strip()
    only = stripped.rstrip(".:)")
    if only in _ONLY_NUMBER:
        return [Part(_ONLY_NUMBER[only], "", 0, len(line), numbered=True)]
    if (both := _TWO_NAMES.match(stripped)) is not None:
        return [
            Part(Label.LAST_NAME, both[1].strip(" ,"), 0, both.start(2), numbered=True),
            Part(Label.FIRST_NAME, both[2].strip(), both.start(2), len(line), numbered=True),
        ]
    marks = _marks(line)
    if not marks:
        return [_numbered(line)]
    parts: list[Part] = []
    first_start = marks[0][0]
    lead = line[:first_start].strip()
    # The rest of a damaged number (4D read as AD, 3 as S) is no text of its own.
    if len(lead) > 2 or (len(lead) == 2 and lead.isalpha()):
        parts.append(_numbered(line[:first_start]))
    for index, (start, end, label) in enumerate(marks):
        following = marks[index + 1][0] if index + 1 < len(marks) else len(line)
        # "8 ADDRESS" is a label, "ADDRESS 8" is not: a label's own number never follows it.
        parts.append(Part(label, line[end:following].strip(_LABEL_TAIL), start, following))
    return parts


def _marks(line: str) -> list[tuple[int, int, Label]]:
    found: list[tuple[int, int, Label]] = []
    for label, pattern in _COMPILED:
        for match in pattern.finditer(line):
            if any(match.start() < end and start < match.end() for start, end, _ in found):
                continue
            found.append((match.start(), match.end(), label))
    for match in _VETERAN.finditer(line):
        found.append((match.start(), match.end(), Label.VETERAN))
    glued = _GLUED_END.search(line)
    if glued is not None and not any(glued.start() < end and start < glued.end() for start, end, _ in found):
        found.append((glued.start(), glued.start() + 3, Label.ENDORSEMENTS))
    return sorted(found, key=lambda mark: mark[:2])


def _numbered(line: str) -> Part:
    stripped = line.strip()
    for label, pattern in _NUMBERED:
        match = pattern.match(stripped)
        if match is not None:
            return Part(label, stripped[match.end() :].strip(), 0, len(line), numbered=True)
    spaced = _SPACED_EIGHT.match(stripped)
    if spaced is not None and looks_like_street(stripped[spaced.end() :]) and not find_dates(stripped):
        return Part(Label.ADDRESS, stripped[spaced.end() :].strip(" -"), 0, len(line), numbered=True)
    return Part(None, stripped, 0, len(line))
