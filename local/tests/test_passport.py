"""Passports by their machine-readable zone; ICAO 9303's specimen, and a drawn US one."""

from __future__ import annotations

from bonafide_local.text.boxes import TextBox, TextPage
from bonafide_local.text.identity import read_identity


def page(*lines: str) -> TextPage:
    return TextPage(1_200, 850, tuple(TextBox(line, 40, 60 * index, 1_160, 60 * index + 32, 0.98) for index, line in enumerate(lines)))


SPECIMEN = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")


def test_reads_the_specimen_of_icao() -> None:
    found = read_identity(page("12 AUG 1974", "16 APR 2007", *SPECIMEN))
    assert {name: field.text for name, field in found.items() if field.text} == {
        "FIRST_NAME": "ANNA", "MIDDLE_NAME": "MARIA", "LAST_NAME": "ERIKSSON", "DOCUMENT_NUMBER": "L898902C3", "DATE_OF_BIRTH": "12 AUG 1974",
        "EXPIRATION_DATE": "15 APR 2012", "DATE_OF_ISSUE": "16 APR 2007", "ID_TYPE": "PASSPORT", "MRZ_CODE": "\n".join(SPECIMEN),
    }  # fmt: skip
    assert found["EXPIRATION_DATE"].normalised == "2012-04-15T00:00:00"


def test_a_wrong_check_digit_lowers_the_confidence() -> None:
    broken = SPECIMEN[1].replace("L898902C3", "L898902C8")
    assert read_identity(page(SPECIMEN[0], broken))["DOCUMENT_NUMBER"].confidence < 90


def test_a_license_is_no_passport() -> None:
    assert read_identity(page("FLORIDA", "1 SAMPLE", "2 NICK"))["ID_TYPE"].text == "DRIVER LICENSE FRONT"
