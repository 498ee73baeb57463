"""Restoring spaces, on drawn lines with the positions that a recogniser gives."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from bonafide_local.text.places import space_street
from bonafide_local.text.reader import latin
from bonafide_local.text.spacing import restore_spaces

SIZE = 48


def line(printed: str, seen: str | None = None, late: float = 0.0) -> tuple[str, list[int], np.ndarray]:
    """(text without spaces, step per character, picture). ``seen`` leaves out the start of what is printed."""
    font = ImageFont.load_default(38)
    width = round(font.getlength(printed)) + 16
    picture = Image.new("RGB", (width, SIZE), (214, 226, 238))
    ImageDraw.Draw(picture).text((8, 0), printed, font=font, fill=(20, 20, 24))
    skipped = 0 if seen is None else printed.index(seen)
    text, positions = "", []
    for index, character in enumerate(printed):
        if character == " " or index < skipped:
            continue
        center = 8 + (font.getlength(printed[:index]) + font.getlength(printed[: index + 1])) / 2
        text += character
        positions.append(round((center + late) / 8 - 0.5))
    return text, positions, np.asarray(picture)


@pytest.mark.parametrize(
    "printed",
    [
        "NICK JAMES",
        "123 MAIN STREET",
        "VIRGINIA ANN",
        "SAMPLE",
        "WINTERGREEN",
        "ATLANTA, GA 30303",
        "NASHVILLE",
        "HILDE",
        "45 PINE ST APT 3B",
        "99 999 999",
    ],
)
@pytest.mark.parametrize("late", [-6.0, 0.0, 6.0])
def test_restores_the_spaces_that_are_printed_and_no_others(printed: str, late: float) -> None:
    assert restore_spaces(*line(printed, late=late)) == printed


def test_the_gap_after_an_unrecognised_label_is_no_space() -> None:
    assert restore_spaces(*line("2 HILDE", seen="HILDE")) == "HILDE"


@pytest.mark.parametrize("printed", ["21 .11 .1990", "I < U T O D 2 3 < < 6"])
def test_widely_spaced_dates_and_machine_readable_zones_have_no_spaces(printed: str) -> None:
    assert restore_spaces(*line(printed)) == printed.replace(" ", "")


def test_a_line_that_does_not_fit_its_positions_is_unchanged() -> None:
    text, positions, picture = line("NICK JAMES")
    assert restore_spaces(text, positions[:-1], picture) == text
    assert restore_spaces(text, positions, np.full_like(picture, 128)) == text


@pytest.mark.parametrize(
    ("glued", "spaced"),
    [
        ("123MAINSTREET", "123 MAIN STREET"), ("123 MAINSTREET APT1", "123 MAIN STREET APT 1"), ("1970WESTBROADST", "1970 WESTBROADST"), ("4 RAILROAD AVE", "4 RAILROAD AVE"),
        ("12 BROADWAY", "12 BROADWAY"), ("9 SUNVALLEY", "9 SUNVALLEY"), ("2570 24TH STREET", "2570 24TH STREET"), ("POBOX 17", "PO BOX 17"), ("1O0 MARKET STREET", "100 MARKET STREET"), ("7 HARCOURT", "7 HARCOURT"),
    ],
)  # fmt: skip
def test_streets_are_separated_only_where_it_is_certain(glued: str, spaced: str) -> None:
    assert space_street(glued) == spaced


def test_chinese_punctuation_becomes_latin() -> None:
    assert latin("TALLAHASSEE，FL 32399一0000") == "TALLAHASSEE,FL 32399-0000"
