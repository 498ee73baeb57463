"""From the text of a US driver licence to AnalyzeID's fields.

Labels (`labels.py`) come first, since they say what a value is. A value without a readable label is
found by its form and its place: the line that ends in a state and a ZIP code, the street above it, the
names above that, the earliest and the latest date.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date

from bonafide_local.text.boxes import TextPage
from bonafide_local.text.dates import FoundDate, find_dates
from bonafide_local.text.fields import DRIVER_LICENSE, Field, confidence_of
from bonafide_local.text.labels import Label
from bonafide_local.text.layout import Piece, above, below, joined_row, pieces_of, right_of
from bonafide_local.text.license_numbers import correct, fits
from bonafide_local.text.places import (
    STATES,
    looks_like_street,
    looks_like_unit,
    space_street,
    split_city_line,
    split_street_and_city,
    state_named_in,
)

# The factor on the confidence of a value that was found without its label.
UNLABELLED = 0.97
YOUNGEST_DRIVER_YEARS = 14
_HEADINGS = re.compile(
    r"(?:DRIVER|LICEN[SC]E|IDENTIFICATION|\bCARD\b|\bUSA\b|\bU\.?S\.?A?\b|DEPARTMENT|COMMISSION|SECRETARY|GOVERNOR|VEHICLES|LIMITS|FEDERAL|"
    r"NOT FOR|OPERATOR|COMMERCIAL|PERMIT|ENHANCED|\bREAL\b|\bSTATE OF\b|\bDMV\b|\bBMV\b|\bDONOR\b|SIGNATURE|SAFE DRIVER|SUNSHINE|"
    r"KEYSTONE|COMMONWEALTH|\bVOID\b|SPECIMEN|UNDER 21|VISITPA|\bNONE\b|\bSTATE$|DIRECTOR|REGISTRAR)"
)
_SUFFIX = re.compile(r"[\s,]+(JR|SR|II|III|IV|1ST|2ND|3RD)\.?$")
_NAME = re.compile(r"^[A-Z][A-Z'’.,\- ]*$")
_NUMBER = re.compile(r"^(?=(?:[^\d]*\d){2})[A-Z0-9*][A-Z0-9*\- .]{2,24}$")


@dataclass(frozen=True, slots=True)
class _Value:
    text: str
    score: float
    certainty: float = 1.0
    normalised: str | None = None

    def field(self) -> Field:
        return Field(self.text, confidence_of(self.score, self.certainty), self.normalised)


@dataclass(frozen=True, slots=True)
class _Address:
    street: _Value | None
    city: _Value | None
    state: _Value | None
    code: _Value | None
    top: Piece | None


def read_driver_license(page: TextPage) -> dict[str, Field]:
    """The fields that the page shows; absent ones are left out."""
    return _Parser(page).fields()


class _Parser:
    def __init__(self, page: TextPage) -> None:
        self._page = page
        self._pieces = pieces_of(page.boxes)
        self._heading_state = self._state_in_headings()

    def fields(self) -> dict[str, Field]:
        address = self._address()
        state = address.state.text if address.state else self._heading_state
        last, given, suffix = self._names(address)
        birth, issued, expires = self._dates()
        values: dict[str, _Value | None] = {
            "LAST_NAME": last,
            "FIRST_NAME": _part(given, first=True),
            "MIDDLE_NAME": _part(given, first=False),
            "SUFFIX": suffix,
            "ADDRESS": address.street,
            "CITY_IN_ADDRESS": address.city,
            "STATE_IN_ADDRESS": address.state,
            "ZIP_CODE_IN_ADDRESS": address.code,
            "COUNTY": self._simple(Label.COUNTY, _letters),
            "DOCUMENT_NUMBER": self._number(self._heading_state or state),
            "DATE_OF_BIRTH": birth,
            "DATE_OF_ISSUE": issued,
            "EXPIRATION_DATE": expires,
            "CLASS": self._simple(Label.CLASS, _class),
            "ENDORSEMENTS": self._simple(Label.ENDORSEMENTS, _codes),
            "RESTRICTIONS": self._simple(Label.RESTRICTIONS, _codes),
            "VETERAN": self._veteran(),
            "STATE_NAME": self._state_name(address),
        }
        # A single value may be a coincidence on a picture that is no licence.
        if sum(value is not None for value in values.values()) > 1:
            values["ID_TYPE"] = self._type()
        return {name: value.field() for name, value in values.items() if value is not None}

    # -- values beside, below or after their label ------------------------------------------------

    def _labelled(self, *labels: Label) -> list[Piece]:
        """Pieces with one of the labels, words before bare numbers."""
        found = [piece for piece in self._pieces if piece.label in labels]
        return sorted(found, key=lambda piece: (piece.numbered, labels.index(piece.label)))

    def _candidates(self, piece: Piece, accept: Callable[[Piece], bool]) -> Iterable[Piece]:
        """The places of a label's value: after it, to the right of it, below it; nearest first."""
        if piece.text:
            yield joined_row(piece, self._pieces, accept)
        for other in right_of(piece, self._pieces, 8.0)[:1]:
            if other.label is None:
                yield joined_row(other, self._pieces, accept)
        for other in below(piece, self._pieces, 1.6)[:2]:
            if other.label is None:
                yield joined_row(other, self._pieces, accept)

    def _simple(self, label: Label, clean: Callable[[str], str | None]) -> _Value | None:
        for piece in self._labelled(label):
            nearby = [piece] if piece.text else [*right_of(piece, self._pieces, 3.0)[:1], *below(piece, self._pieces, 1.0)[:1]]
            for candidate in nearby:
                if candidate is not piece and candidate.label is not None:
                    continue
                text = clean(candidate.text)
                if text:
                    return _Value(text, candidate.score)
        return None

    # -- dates -----------------------------------------------------------------------------------

    def _dates(self) -> tuple[_Value | None, _Value | None, _Value | None]:
        birth = self._labelled_date(Label.BIRTH)
        issued = self._labelled_date(Label.ISSUED)
        expires = self._labelled_date(Label.EXPIRES)
        everything = self._all_dates()
        taken = {found.value for found, _ in (birth, issued, expires) if found}
        free = sorted((pair for pair in everything if pair[0].value not in taken), key=lambda pair: pair[0].value)
        latest = max((found.value for found, _ in everything), default=None)
        if birth[0] is None and free and latest is not None:
            earliest = free[0][0].value
            if earliest.year + YOUNGEST_DRIVER_YEARS <= latest.year:
                birth = free.pop(0)
        if expires[0] is None and free:
            candidate = free[-1]
            known = [found.value for found, _ in (birth, issued) if found]
            if all(candidate[0].value > value for value in known) and known:
                expires = free.pop()
        if issued[0] is None and free and expires[0] is not None:
            candidate = free[-1]
            after_birth = birth[0] is None or candidate[0].value > _years_after(birth[0].value, YOUNGEST_DRIVER_YEARS)
            if after_birth and candidate[0].value < expires[0].value:
                issued = candidate
        return _date_value(birth), _date_value(issued), _date_value(expires)

    def _labelled_date(self, label: Label) -> tuple[FoundDate | None, _Value | None]:
        for piece in self._labelled(label):
            places = [piece] if piece.text else []
            places += [other for other in right_of(piece, self._pieces, 6.0)[:1] if other.label is None]
            places += [other for other in below(piece, self._pieces, 1.8) if other.label is None]
            for place in places:
                found = find_dates(place.text, labelled=True)
                if found:
                    return found[0], _Value(found[0].text, place.score, 1.0, found[0].normalised)
        return None, None

    def _all_dates(self) -> list[tuple[FoundDate, _Value]]:
        """Every distinct date of the page, except those of labels that are ignored."""
        seen: dict[date, tuple[FoundDate, _Value]] = {}
        for piece in self._pieces:
            if piece.label is Label.OTHER:
                continue
            for found in find_dates(piece.text):
                if found.value not in seen:
                    seen[found.value] = (found, _Value(found.text, piece.score, UNLABELLED, found.normalised))
        return list(seen.values())

    # -- document number -------------------------------------------------------------------------

    def _number(self, state: str | None) -> _Value | None:
        best: tuple[int, _Value] | None = None
        for piece in self._labelled(Label.NUMBER):
            for candidate in self._candidates(piece, lambda other: bool(re.match(r"^[A-Z0-9\-* ]{1,12}$", other.text))):
                text = None if split_city_line(candidate.text) else _clean_number(candidate.text)
                if text is None:
                    continue
                text = correct(text, state)
                rank = (2 if fits(text, state) else 0) + (0 if piece.numbered else 1)
                if best is None or rank > best[0]:
                    best = (rank, _Value(text, candidate.score))
                break
        if best is not None:
            return best[1]
        # Without a readable label: a number in the format of the state, alone on its line.
        for piece in self._pieces:
            if piece.label is None and len(piece.text) >= 6 and not find_dates(piece.text):
                text = _clean_number(piece.text)
                if text is not None and fits(correct(text, state), state) and split_city_line(piece.text) is None:
                    return _Value(correct(text, state), piece.score, UNLABELLED)
        return None

    # -- address ---------------------------------------------------------------------------------

    def _address(self) -> _Address:
        labelled = self._labelled_street()
        city_piece, city = self._city_line(labelled)
        if city is None:
            if labelled is None:
                return _Address(None, None, None, None, None)
            street = self._street_lines(labelled, None)
            return _Address(street, None, None, None, labelled)
        assert city_piece is not None
        top = labelled or self._street_above(city_piece)
        text, state, code = city
        inline, town = split_street_and_city(text)
        score = city_piece.score
        certainty = 1.0 if labelled else UNLABELLED
        street = self._street_lines(top, city_piece) if top else None
        if street is None and inline:
            street, top = _Value(space_street(inline), score, certainty), city_piece
        town_text = town if inline else text
        return _Address(
            street,
            _Value(town_text, score, certainty) if town_text else None,
            _Value(state, score, certainty),
            _Value(code, score, certainty),
            top,
        )

    def _labelled_street(self) -> Piece | None:
        for piece in self._labelled(Label.ADDRESS):
            if piece.text:
                return piece
            for other in [*right_of(piece, self._pieces, 4.0)[:1], *below(piece, self._pieces, 1.6)[:1]]:
                if other.label is None and other.text and not find_dates(other.text):
                    return joined_row(other, self._pieces, lambda follower: True)
        return self._glued_eight()

    def _glued_eight(self) -> Piece | None:
        """A street whose first digit is the label 8.

        Only the whole page distinguishes ``8123 MAIN STREET`` (label 8, number 123) from a house number 8123:
        other fields have glued numbers too and there is no separate 8 or ADDRESS, or the following line
        starts further right, under the real house number.
        """
        numbered = {piece.label for piece in self._pieces if piece.label and _has_number(piece)}
        for piece in self._pieces:
            if piece.label is not None or not re.match(r"^8\d+\s?[A-Z]", piece.text) or split_city_line(piece.text):
                continue
            if not looks_like_street(piece.text[1:]):
                continue
            following = [other for other in below(piece, self._pieces, 1.2) if other.label is None]
            indented = bool(following) and following[0].box.left - piece.box.left > 0.45 * piece.box.height
            if len(numbered & {Label.LAST_NAME, Label.FIRST_NAME}) >= 1 or indented:
                return Piece(Label.ADDRESS, piece.text[1:].strip(), piece.box, True)
        return None

    def _city_line(self, street: Piece | None) -> tuple[Piece | None, tuple[str, str, str] | None]:
        found: list[tuple[Piece, tuple[str, str, str]]] = []
        for piece in self._pieces:
            if piece.label not in (None, Label.ADDRESS):
                continue
            joined = joined_row(piece, self._pieces, lambda other: True, gap=5.0)
            # The longest line that is a city counts: the state and the ZIP code may be separate.
            for candidate in (joined, piece):
                city = split_city_line(candidate.text)
                if city is not None and (city[0] or candidate is joined):
                    found.append((candidate, city))
                    break
        found = [pair for pair in found if pair[1][0]] or found
        if not found:
            return None, None
        if street is not None:
            near = [
                pair
                for pair in found
                if pair[0].box.middle >= street.box.top and abs(pair[0].box.left - street.box.left) < 8 * street.box.height
            ]
            found = near or found
            found.sort(key=lambda pair: abs(pair[0].box.middle - street.box.middle))
        return found[0]

    def _street_above(self, city: Piece) -> Piece | None:
        """The first line of the address, searched upwards from the city's line; None when there is none."""
        top: Piece | None = None
        current = city
        for _ in range(3):
            over = [piece for piece in above(current, self._pieces, 0.9) if piece.label is None and piece.text]
            if not over:
                break
            current = over[0]
            if looks_like_street(current.text) and not find_dates(current.text):
                return self._without_label(current)
            if not looks_like_unit(current.text):
                break
            top = current
        return top

    def _without_label(self, street: Piece) -> Piece:
        glued = self._glued_eight()
        return glued if glued is not None and glued.box == street.box else street

    def _street_lines(self, first: Piece, city: Piece | None) -> _Value | None:
        """The street and the lines between it and the city (an apartment, a second line)."""
        lines, scores = [], []
        current = joined_row(first, self._pieces, lambda other: split_city_line(other.text) is None)
        for _ in range(3):
            if city is not None and current.box.middle >= city.box.top:
                break
            text = current.text
            city_in_line = split_city_line(text)
            if city_in_line is not None:
                text = split_street_and_city(city_in_line[0])[0]
            if text:
                lines.append(text)
                scores.append(current.score)
            if city_in_line is not None or city is None:
                break
            following = [
                piece
                for piece in below(current, self._pieces, 0.9)
                if piece.label is None and piece.text and piece.box.middle < city.box.top and not find_dates(piece.text)
            ]
            if not following:
                break
            current = joined_row(following[0], self._pieces, lambda other: True)
        text = space_street(" ".join(lines))
        return _Value(text, min(scores), 1.0 if first.label else UNLABELLED) if text else None

    # -- names -----------------------------------------------------------------------------------

    def _names(self, address: _Address) -> tuple[_Value | None, _Value | None, _Value | None]:
        last_piece = self._name_of(Label.LAST_NAME)
        first_piece = self._name_of(Label.FIRST_NAME)
        middle_piece = self._name_of(Label.MIDDLE_NAME)
        suffix_piece = self._name_of(Label.SUFFIX)
        if last_piece is None and first_piece is None:
            last, given = self._whole_name(address)
        else:
            if last_piece is None and first_piece is not None:
                last_piece = self._neighbour_name(above(first_piece, self._pieces, 1.2))
            if first_piece is None and last_piece is not None and "," not in last_piece.text.rstrip(","):
                first_piece = self._neighbour_name(below(last_piece, self._pieces, 1.2))
            last, given = _value(last_piece), _value(first_piece)
            if last is not None and "," in last.text.strip(",") and given is None:
                last, given = _split_comma(last)
        if middle_piece is not None and given is not None:
            given = replace(given, text=f"{given.text} {_letters(middle_piece.text)}".strip())
        suffix = _value(suffix_piece)
        last, suffix = _without_suffix(last, suffix)
        given, suffix = _without_suffix(given, suffix)
        return _clean_name(last), _clean_name(given), suffix

    def _name_of(self, label: Label) -> Piece | None:
        for piece in self._labelled(label):
            for candidate in self._candidates(piece, lambda other: _is_name(other.text)):
                if _is_name(candidate.text):
                    return candidate
        return None

    def _neighbour_name(self, candidates: list[Piece]) -> Piece | None:
        for piece in candidates[:1]:
            if piece.label is None and _is_name(piece.text) and not _HEADINGS.search(piece.text):
                return joined_row(piece, self._pieces, lambda other: _is_name(other.text))
        return None

    def _whole_name(self, address: _Address) -> tuple[_Value | None, _Value | None]:
        lines: list[Piece] = []
        certainty = 1.0
        for piece in self._labelled(Label.NAME):
            for candidate in self._candidates(piece, lambda other: _is_name(other.text)):
                if _is_name(candidate.text):
                    following = [
                        other
                        for other in below(candidate, self._pieces, 0.9)
                        if other.label is None and _is_name(other.text) and not _HEADINGS.search(other.text)
                    ]
                    lines = [candidate, *following[:1]]
                    break
            if lines:
                break
        if not lines and address.top is not None:
            certainty = UNLABELLED
            current = address.top
            for _ in range(2):
                over = [
                    piece
                    for piece in above(current, self._pieces, 1.3)
                    if piece.label is None and _is_name(piece.text) and not _HEADINGS.search(piece.text)
                ]
                if not over or (lines and len(over[0].text) < 2):
                    break
                current = joined_row(over[0], self._pieces, lambda other: _is_name(other.text))
                lines.insert(0, current)
        if not lines:
            return None, None
        if "," in lines[0].text.strip(","):
            text = " ".join(line.text for line in lines)
            return _split_comma(_Value(text, min(line.score for line in lines), certainty))
        if len(lines) == 2:
            return (
                _Value(lines[0].text, lines[0].score, certainty),
                _Value(lines[1].text, lines[1].score, certainty),
            )
        # One line without a comma: older layouts print first, middle, last.
        words = lines[0].text.split()
        if len(words) == 1:
            return _Value(words[0], lines[0].score, certainty), None
        certainty *= UNLABELLED
        return (
            _Value(words[-1], lines[0].score, certainty),
            _Value(" ".join(words[:-1]), lines[0].score, certainty),
        )

    # -- the rest --------------------------------------------------------------------------------

    def _veteran(self) -> _Value | None:
        for piece in self._pieces:
            if piece.label is Label.VETERAN:
                return _Value("VETERAN", piece.score)
        return None

    def _state_in_headings(self) -> str | None:
        """The state in the largest heading with a state's name."""
        best: tuple[float, str] | None = None
        for piece in self._pieces:
            if piece.label is not None or split_city_line(piece.text) or looks_like_street(piece.text):
                continue
            state = state_named_in(piece.text)
            # Headings are in the upper part; a city may have a state's name too.
            if state and piece.box.middle < 0.45 * self._page.height:
                size = piece.box.height * (1.5 if _HEADINGS.search(piece.text) else 1.0)
                if best is None or size > best[0]:
                    best = (size, state)
        return best[1] if best else None

    def _state_name(self, address: _Address) -> _Value | None:
        if self._heading_state:
            for piece in self._pieces:
                if state_named_in(piece.text) == self._heading_state:
                    return _Value(STATES[self._heading_state], piece.score)
        if address.state is not None and address.state.text in STATES:
            return replace(address.state, text=STATES[address.state.text], certainty=UNLABELLED)
        return None

    def _type(self) -> _Value | None:
        scores = [piece.score for piece in self._pieces]
        return _Value(DRIVER_LICENSE, sum(scores) / len(scores)) if scores else None


# -- cleaning ------------------------------------------------------------------------------------


def _value(piece: Piece | None) -> _Value | None:
    return None if piece is None else _Value(piece.text, piece.score)


def _has_number(piece: Piece) -> bool:
    """Whether the piece's box has an AAMVA number of its own."""
    return piece.numbered


def _corrected_name(text: str) -> str:
    """Digits beside letters in a name are letters: ``0'MALLEY``. No US licence has a digit in a name."""
    return re.sub(r"[0158](?=['’\-]?[A-Z])|(?<=[A-Z])[0158]", lambda found: "OISB"["0158".index(found[0])], text)


def _is_name(text: str) -> bool:
    return bool(_NAME.match(_corrected_name(text))) and len(text.strip(" .,-'")) >= 1 and not find_dates(text)


def _letters(text: str) -> str | None:
    kept = re.sub(r"[^A-Z'’.\- ]", "", text.upper()).strip(" .-")
    return kept or None


def _class(text: str) -> str | None:
    found = re.match(r"^([A-Z][A-Z0-9]{0,2}|\d)\b", text.strip())
    return found[1] if found else None


def _codes(text: str) -> str | None:
    found = re.match(r"^(NONE|[A-Z0-9](?:[\s,/]?[A-Z0-9]){0,5})(?=$|\s)", text.strip())
    return found[1].strip() if found else None


def _clean_number(text: str) -> str | None:
    cleaned = re.sub(r"^(?:(?:DLN|DL|OLN|LIC|ID|NO|NUMBER)[\s.:#]+)+", "", text.strip(" :.#-"))
    if find_dates(cleaned):
        cleaned = cleaned[: find_dates(cleaned)[0].start].strip(" :.#-")
    if not _NUMBER.match(cleaned):
        # Other text follows: the first word with the form of a number is the number.
        words = [word for word in cleaned.split() if _NUMBER.match(word) and len(word) >= 4]
        if not words:
            return None
        cleaned = words[0]
    # "S123-456 CLASS": words after the number are not part of it; groups of digits are.
    kept: list[str] = []
    for word in cleaned.split():
        if kept and not any(character.isdigit() for character in word):
            break
        kept.append(word)
    return " ".join(kept) or None


def _split_comma(value: _Value) -> tuple[_Value | None, _Value | None]:
    last, _, given = value.text.partition(",")
    given = given.replace(",", " ").strip()
    return replace(value, text=last.strip()), replace(value, text=given) if given else None


def _without_suffix(value: _Value | None, suffix: _Value | None) -> tuple[_Value | None, _Value | None]:
    if value is None:
        return None, suffix
    found = _SUFFIX.search(value.text)
    if found is None:
        return value, suffix
    return replace(value, text=value.text[: found.start()].strip()), suffix or replace(value, text=found[1])


def _clean_name(value: _Value | None) -> _Value | None:
    if value is None:
        return None
    text = re.sub(r"\s+", " ", _corrected_name(value.text).strip(" .,;:-'"))
    return replace(value, text=text) if text else None


def _part(given: _Value | None, *, first: bool) -> _Value | None:
    """AnalyzeID's FIRST_NAME is the first given name, MIDDLE_NAME the others."""
    if given is None:
        return None
    head, _, tail = given.text.replace(",", " ").strip().partition(" ")
    text = head if first else tail.strip()
    return replace(given, text=text) if text else None


def _date_value(pair: tuple[FoundDate | None, _Value | None]) -> _Value | None:
    return pair[1]


def _years_after(day: date, years: int) -> date:
    return date(day.year + years, day.month, min(day.day, 28))
