"""The states' names and postal codes, and the words at the end of street names."""

from __future__ import annotations

import re

STATES: dict[str, str] = {
    "AL": "ALABAMA", "AK": "ALASKA", "AZ": "ARIZONA", "AR": "ARKANSAS", "CA": "CALIFORNIA", "CO": "COLORADO",
    "CT": "CONNECTICUT", "DE": "DELAWARE", "DC": "DISTRICT OF COLUMBIA", "FL": "FLORIDA", "GA": "GEORGIA",
    "HI": "HAWAII", "ID": "IDAHO", "IL": "ILLINOIS", "IN": "INDIANA", "IA": "IOWA", "KS": "KANSAS",
    "KY": "KENTUCKY", "LA": "LOUISIANA", "ME": "MAINE", "MD": "MARYLAND", "MA": "MASSACHUSETTS",
    "MI": "MICHIGAN", "MN": "MINNESOTA", "MS": "MISSISSIPPI", "MO": "MISSOURI", "MT": "MONTANA",
    "NE": "NEBRASKA", "NV": "NEVADA", "NH": "NEW HAMPSHIRE", "NJ": "NEW JERSEY", "NM": "NEW MEXICO",
    "NY": "NEW YORK", "NC": "NORTH CAROLINA", "ND": "NORTH DAKOTA", "OH": "OHIO", "OK": "OKLAHOMA",
    "OR": "OREGON", "PA": "PENNSYLVANIA", "RI": "RHODE ISLAND", "SC": "SOUTH CAROLINA", "SD": "SOUTH DAKOTA",
    "TN": "TENNESSEE", "TX": "TEXAS", "UT": "UTAH", "VT": "VERMONT", "VA": "VIRGINIA", "WA": "WASHINGTON",
    "WV": "WEST VIRGINIA", "WI": "WISCONSIN", "WY": "WYOMING", "PR": "PUERTO RICO", "GU": "GUAM",
    "VI": "VIRGIN ISLANDS", "AS": "AMERICAN SAMOA", "MP": "NORTHERN MARIANA ISLANDS",
}  # fmt: skip

# As printed on licences; after USPS Publication 28, the common ones.
STREET_SUFFIXES = (
    "STREET", "ST", "AVENUE", "AVE", "AV", "ROAD", "RD", "DRIVE", "DR", "LANE", "LN", "BOULEVARD", "BLVD",
    "COURT", "CT", "CIRCLE", "CIR", "PLACE", "PL", "WAY", "TERRACE", "TER", "PARKWAY", "PKWY", "HIGHWAY",
    "HWY", "TRAIL", "TRL", "SQUARE", "SQ", "LOOP", "ALLEY", "PIKE", "PLAZA", "CROSSING", "RIDGE", "RUN",
)  # fmt: skip
# Only these may be split off a word: BEST, BAINBRIDGE or VALLEY must not be split.
LONG_SUFFIXES = (
    "STREET",
    "AVENUE",
    "ROAD",
    "DRIVE",
    "LANE",
    "BOULEVARD",
    "BLVD",
    "COURT",
    "CIRCLE",
    "TERRACE",
    "PARKWAY",
    "PKWY",
    "HIGHWAY",
    "TRAIL",
    "SQUARE",
)
_WHOLE_WORDS = frozenset({"RAILROAD", "BROAD", "CROSSROAD", "HARCOURT", "BROADLANE", "OVERSTREET", "ABROAD"})
DIRECTIONS = (
    "NORTHEAST",
    "NORTHWEST",
    "SOUTHEAST",
    "SOUTHWEST",
    "NORTH",
    "SOUTH",
    "EAST",
    "WEST",
    "NE",
    "NW",
    "SE",
    "SW",
    "N",
    "S",
    "E",
    "W",
)
UNITS = ("APARTMENT", "APT", "UNIT", "SUITE", "STE", "LOT", "ROOM", "RM", "FLOOR", "FL", "BLDG", "TRLR", "SPC", "NUMBER")

_UNIT = "|".join(UNITS)
_SUFFIX = "|".join(sorted(STREET_SUFFIXES, key=len, reverse=True))
_LONG = "|".join(sorted(LONG_SUFFIXES, key=len, reverse=True))

_CITY_LINE = re.compile(
    r"^(?P<city>[A-Z][A-Z .'\-]*?|\d.*?)[\s,.;]*(?P<state>[A-Z0]{2})[\s,.;]*"
    r"(?P<zip>[\dOIL]{5}(?:[\s\-.~]?[\dOIL]{4})?)"
    r"(?:[\s\-]+(?P<county>[A-Z][A-Z. ]{2,}))?\W*$"
)


_FIGURES = str.maketrans("01", "OI")


def split_city_line(text: str) -> tuple[str, str, str] | None:
    """Split ``TALLAHASSEE, FL 32399-0000`` (spaces and comma optional) into city, state and ZIP code.

    The city part may still begin with a street. None when the line is no such line.
    """
    # No city has a digit between letters: LAKEWO0D.
    upper = re.sub(r"(?<=[A-Z])[01]+(?=[A-Z])", lambda found: found[0].translate(_FIGURES), text.strip().upper())
    found = _CITY_LINE.match(upper)
    if not found:
        return None
    state = found["state"].replace("0", "O")
    if state not in STATES:
        return None
    code = found["zip"].translate(str.maketrans("OIL", "011"))
    digits = re.sub(r"\D", "", code)
    code = f"{digits[:5]}-{digits[5:]}" if len(digits) == 9 and len(code) > 9 else code
    return found["city"].strip(" ,.;-"), state, code


def split_street_and_city(text: str) -> tuple[str, str]:
    """Split ``123 MAIN ST ANYTOWN`` after the street; ``("", text)`` when there is no street in it."""
    found = re.match(rf"^(\d.*?\b(?:{_SUFFIX})\b\.?(?:\s+(?:{_UNIT}|#)\.?\s*\w+)?)[\s,]+([A-Z].*)$", text)
    return (found[1].strip(" ,"), found[2].strip(" ,")) if found else ("", text)


_HOUSE = str.maketrans("OI", "01")


def space_street(text: str) -> str:
    """Put the spaces back into a street that OCR glued: ``123MAINSTREET`` → ``123 MAIN STREET``."""
    # A house number ends in one letter at most, and not in one that looks like a digit.
    corrected = re.sub(r"^\d[\dOI]*[OI][\dOI]*(?=\s)", lambda found: found[0].translate(_HOUSE), text.strip())
    spaced = re.sub(r"^(\d+(?:-\d+)?)(?=(?!(?:ST|ND|RD|TH)\b)[A-Z]{2,})", r"\1 ", corrected)
    if not re.search(rf"\s(?:{_SUFFIX})\b", spaced):
        spaced = re.sub(rf"\b([A-Z]{{2,}}?)({_LONG})(?=$|[\s,.#]|\d|(?:{_UNIT})\b)", _split_suffix, spaced)
    spaced = re.sub(rf"\b({_LONG})({_UNIT})(?=[\s.#]*\d|[\s.#]+\w|\b)", r"\1 \2", spaced)
    spaced = re.sub(r"\b(APARTMENT|APT|UNIT|SUITE|STE|LOT|BLDG)\.?(#?)(\d+[A-Z]?)\b", r"\1 \2\3", spaced)
    spaced = re.sub(r"\bP\.?\s*O\.?\s*BOX\s*(?=\d)", "PO BOX ", spaced)
    return re.sub(r"\s+", " ", spaced).strip(" ,.;")


def _split_suffix(found: re.Match[str]) -> str:
    return found[0] if found[0] in _WHOLE_WORDS else f"{found[1]} {found[2]}"


def looks_like_street(text: str) -> bool:
    """Whether a line starts like a street address or a post box."""
    upper = text.upper().strip()
    return bool(
        re.match(r"^\d{1,6}[A-Z]?(?:[\s\-/]\d+)?[\s.,]*(?:[A-Z]|\d{1,3}(?:ST|ND|RD|TH)\b)", upper)
        or re.match(r"^P\.?\s*O\.?\s*BOX", upper)
        or re.match(r"^(?:RR|RURAL ROUTE|HC|HIGHWAY)\s*\d", upper)
        or (re.match(r"^(?:ONE|TWO)\s", upper) and re.search(rf"\b(?:{_SUFFIX})\b", upper))
    )


def looks_like_unit(text: str) -> bool:
    """Whether a line is only an apartment or the like."""
    return bool(re.match(rf"^(?:{_UNIT}|#)[\s.#]*[\w\-]{{1,6}}$", text.upper().strip()))


_GLUED_STATES = sorted(((name.replace(" ", ""), code) for code, name in STATES.items()), key=lambda pair: -len(pair[0]))


def state_named_in(text: str) -> str | None:
    """The postal code of the state whose name is in a heading, glued to other words or not."""
    upper = re.sub(r"[^A-Z]", "", text.upper().replace("0", "O").replace("1", "I"))
    for name, code in _GLUED_STATES:
        if name in upper:
            return code
    return None
