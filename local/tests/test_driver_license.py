"""From text boxes to fields: layouts of many kinds, spaces dropped, labels glued, damaged or missing."""

from __future__ import annotations

import pytest
from drawing import LAYOUTS, Layout, boxes_of
from measure import wrong_fields

from bonafide_local.text.boxes import TextBox, TextPage
from bonafide_local.text.fields import Field
from bonafide_local.text.identity import read_identity

ROW = 40


def page(*rows: str | tuple[str, ...], left: float = 300, size: float = 28) -> TextPage:
    """A page of rows; a tuple is a row of several boxes, ``>`` before a text indents it."""
    boxes = []
    for index, row in enumerate(rows):
        x = left
        for text in (row,) if isinstance(row, str) else row:
            start = x + (size * (len(text) - len(text.lstrip(">"))))
            words = text.lstrip(">")
            end = start + 0.55 * size * len(words)
            if words:
                boxes.append(TextBox(words, start, ROW * index, end, ROW * index + size, 0.97))
            x = end + 4 * size
    return TextPage(1_000, 630, tuple(boxes))


def read(*rows: str | tuple[str, ...]) -> dict[str, str]:
    return {name: field.text for name, field in read_identity(page(*rows)).items()}


def fields(*rows: str | tuple[str, ...]) -> dict[str, Field]:
    return read_identity(page(*rows))


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_reads_every_field_of_a_layout(layout: Layout) -> None:
    assert wrong_fields(layout.truth, read_identity(boxes_of(layout))) == {}


UNSPACEABLE = {"FIRST_NAME", "MIDDLE_NAME", "SUFFIX"}


@pytest.mark.parametrize("layout", [one for one in LAYOUTS if one.name != "michigan"], ids=lambda layout: layout.name)
def test_reads_a_layout_without_any_space(layout: Layout) -> None:
    """Only given names cannot be separated then; other values are correct except for spaces."""
    found = read_identity(boxes_of(layout, glued=True))
    truth = {name: value.replace(" ", "").replace(".", "") for name, value in layout.truth.items() if name not in UNSPACEABLE}
    squeezed = {name: Field(field.text.replace(" ", ""), field.confidence, field.normalised) for name, field in found.items()}
    assert wrong_fields(truth, squeezed) == {}


GLUED = (
    ("Florida", "DRIVERLICENSE"), "4dDLNS123-456-57-901-0", "1SAMPLE", "2NICK", "8123MAINSTREET", ">TALLAHASSEE,FL32399-0000",
    ("3DOB06/06/1957", "15SEXM"), "4bEXP06/06/2028", "4aISS06/06/2020", "9CLASSE", "12RESTNONE", "9aENDNONE", "5DDX123456789012",
)  # fmt: skip


def test_reads_labels_glued_to_their_values() -> None:
    found = read(*GLUED)
    expected = {
        "DOCUMENT_NUMBER": "S123-456-57-901-0", "LAST_NAME": "SAMPLE", "FIRST_NAME": "NICK", "MIDDLE_NAME": "", "ADDRESS": "123 MAIN STREET",
        "CITY_IN_ADDRESS": "TALLAHASSEE", "STATE_IN_ADDRESS": "FL", "ZIP_CODE_IN_ADDRESS": "32399-0000", "DATE_OF_BIRTH": "06/06/1957",
        "EXPIRATION_DATE": "06/06/2028", "DATE_OF_ISSUE": "06/06/2020", "CLASS": "E", "RESTRICTIONS": "NONE", "ENDORSEMENTS": "NONE",
        "STATE_NAME": "FLORIDA", "ID_TYPE": "DRIVER LICENSE FRONT", "SUFFIX": "", "COUNTY": "",
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


def test_dates_come_with_a_normalised_value() -> None:
    found = fields(*GLUED)
    assert found["DATE_OF_BIRTH"].normalised == "1957-06-06T00:00:00"
    assert found["LAST_NAME"].normalised is None


def test_a_house_number_that_starts_with_8_stays_whole_beside_a_separate_label() -> None:
    found = read("FLORIDA", ("1", "SAMPLE"), ("2", "NICK"), ("8", "8123 MAIN STREET"), ">>>>>TALLAHASSEE, FL 32399")
    assert found["ADDRESS"] == "8123 MAIN STREET"


def test_a_house_number_that_starts_with_8_stays_whole_without_numbered_labels() -> None:
    found = read("CALIFORNIA", "LN CARDHOLDER", "FN IMA", "8570 24TH STREET", "ANYTOWN, CA 95818", "DOB 08/31/1977")
    assert found["ADDRESS"] == "8570 24TH STREET"


@pytest.mark.parametrize(
    ("row", "last", "first", "middle", "suffix"),
    [
        ("1 SAMPLE, NICK JAMES", "SAMPLE", "NICK", "JAMES", ""),
        ("1. SAMPLE 2. DRIVER ANN", "SAMPLE", "DRIVER", "ANN", ""),
        ("1SAMPLE2DRIVER", "SAMPLE", "DRIVER", "", ""),
        ("NAME: SAMPLE, NICK J JR", "SAMPLE", "NICK", "J", "JR"),
        ("NAME NICK JAMES SAMPLE", "SAMPLE", "NICK", "JAMES", ""),
    ],
)
def test_reads_names_on_one_line(row: str, last: str, first: str, middle: str, suffix: str) -> None:
    found = read("TEXAS", row, "8 123 NORTH ST", ">AUSTIN, TX 78701", "3 DOB 07/19/1990")
    assert [found[name] for name in ("LAST_NAME", "FIRST_NAME", "MIDDLE_NAME", "SUFFIX")] == [last, first, middle, suffix]


def test_reads_names_below_their_labels() -> None:
    found = read(
        "VIRGINIA",
        "LAST NAME",
        "SAMPLE",
        "FIRST NAME",
        "JANE",
        "MIDDLE NAME",
        "ANN MARIE",
        "ADDRESS",
        "2300 WEST BROAD STREET",
        "RICHMOND VA 23269",
    )
    assert [found[name] for name in ("LAST_NAME", "FIRST_NAME", "MIDDLE_NAME")] == ["SAMPLE", "JANE", "ANN MARIE"]


def test_reads_names_whose_labels_were_not_seen() -> None:
    found = read("DRIVER LICENSE", "SAMPLE", "NICK JAMES", "123 MAIN STREET", "APT 1", "TALLAHASSEE, FL 32399")
    assert [found[name] for name in ("LAST_NAME", "FIRST_NAME", "MIDDLE_NAME", "ADDRESS")] == [
        "SAMPLE",
        "NICK",
        "JAMES",
        "123 MAIN STREET APT 1",
    ]


@pytest.mark.parametrize("seen", ["1 SAMPLE", "2 NICK"])
def test_finds_the_other_name_beside_the_one_whose_label_was_seen(seen: str) -> None:
    rows = [seen if seen.endswith(name) else name for name in ("SAMPLE", "NICK")]
    found = read("FLORIDA", *rows, "8 123 MAIN STREET", ">TALLAHASSEE, FL 32399")
    assert [found["LAST_NAME"], found["FIRST_NAME"]] == ["SAMPLE", "NICK"]


def test_digits_in_names_are_letters() -> None:
    found = read("FLORIDA", "1 0'MALLEY", "2 PATR1CK", "8 123 MAIN STREET", ">TALLAHASSEE, FL 32399")
    assert [found["LAST_NAME"], found["FIRST_NAME"]] == ["O'MALLEY", "PATRICK"]


def test_dates_without_labels_are_identified_by_their_order() -> None:
    found = fields("MICHIGAN", "06/06/1957", "06/06/2020", "06/06/2028")
    assert [found[name].text for name in ("DATE_OF_BIRTH", "DATE_OF_ISSUE", "EXPIRATION_DATE")] == [
        "06/06/1957",
        "06/06/2020",
        "06/06/2028",
    ]
    assert found["DATE_OF_BIRTH"].confidence < fields("DOB 06/06/1957")["DATE_OF_BIRTH"].confidence


def test_a_single_unlabelled_date_is_no_birth_date() -> None:
    assert read("MICHIGAN", "06/06/2028")["DATE_OF_BIRTH"] == ""


@pytest.mark.parametrize(
    ("printed", "normalised"),
    [
        ("DOB 06-06-1957", "1957-06-06"), ("DOB: 06.06.1957", "1957-06-06"), ("DOB 06061957", "1957-06-06"), ("D0B O6/O6/1957", "1957-06-06"), ("DATE OF BIRTH 06/06/57", "1957-06-06"),
        ("BIRTHDATE JUN 06, 1957", "1957-06-06"), ("DOB 06 JUN 1957", "1957-06-06"), ("3D0B06/06/1957", "1957-06-06"), ("DOB 06106/1957", "1957-06-06"),
    ],
)  # fmt: skip
def test_reads_birth_dates_as_printed_and_as_damaged(printed: str, normalised: str) -> None:
    assert fields("OHIO", printed)["DATE_OF_BIRTH"].normalised == f"{normalised}T00:00:00"


@pytest.mark.parametrize(
    ("row", "number"),
    [
        ("4d DLN S123-456-57-901-0", "S123-456-57-901-0"), ("4DDLNS123456579010", "S123456579010"), ("DL NO. 987654321", "987654321"), ("LIC#WDLABCD456DG", "WDLABCD456DG"), ("DRIVER'S LICENSE NO: RN123456", "RN123456"),
        ("CUSTOMER ID T64235789", "T64235789"), ("ID: 012 345 678", "012 345 678"), ("4d NUMBER S99988801", "S99988801"), ("LIC. NO.: D400-7836-0001", "D400-7836-0001"), ("DLI1234562", "I1234562"), ("4d. DL: 12345678", "12345678"),
    ],
)  # fmt: skip
def test_reads_document_numbers_as_printed(row: str, number: str) -> None:
    assert read("DRIVER LICENSE", row)["DOCUMENT_NUMBER"] == number


def test_exchanges_similar_characters_only_to_fit_the_state_s_format() -> None:
    assert read("CALIFORNIA", "DL 11234562", "ANYTOWN, CA 95818")["DOCUMENT_NUMBER"] == "I1234562"
    assert read("FLORIDA", "4d DLN S123-456-57-9O1-0", "TALLAHASSEE, FL 32399")["DOCUMENT_NUMBER"] == "S123-456-57-901-0"
    assert read("WASHINGTON", "LIC# WDLABCDO56DG", "SEATTLE WA 98101")["DOCUMENT_NUMBER"] == "WDLABCDO56DG"


def test_the_document_discriminator_is_not_the_number() -> None:
    assert read("TEXAS", "5. DD: 00000000000000000000", "4d. DL: 12345678")["DOCUMENT_NUMBER"] == "12345678"


@pytest.mark.parametrize(
    ("rows", "street", "city", "state", "code"),
    [
        (("8 123 MAIN ST APT 4", ">ANYTOWN CA 95818"), "123 MAIN ST APT 4", "ANYTOWN", "CA", "95818"),
        (("8 PO BOX 17", ">SALT LAKE CITY UT 84101-1234"), "PO BOX 17", "SALT LAKE CITY", "UT", "84101-1234"),
        (("8 123 MAIN ST ANYTOWN CA 95818",), "123 MAIN ST", "ANYTOWN", "CA", "95818"),
        (("8 12-34 56TH AVE", ">QUEENS NY 11377"), "12-34 56TH AVE", "QUEENS", "NY", "11377"),
        (("8 4567 NORTH STATE STREET", ">ATLANTA, GA 30303-1234 FULTON"), "4567 NORTH STATE STREET", "ATLANTA", "GA", "30303-1234"),
        (("8 1 ELM COURT", (">ST. PAUL", "MN 55101")), "1 ELM COURT", "ST. PAUL", "MN", "55101"),
        (("8123MAPLEAVENUE", ">ALBANYNY12222"), "123 MAPLE AVENUE", "ALBANY", "NY", "12222"),
    ],
)  # fmt: skip
def test_reads_addresses(rows: tuple[str, ...], street: str, city: str, state: str, code: str) -> None:
    found = read("DRIVER LICENSE", "1 SAMPLE", "2 NICK", *rows, "3 DOB 06/06/1957")
    assert [found[name] for name in ("ADDRESS", "CITY_IN_ADDRESS", "STATE_IN_ADDRESS", "ZIP_CODE_IN_ADDRESS")] == [
        street,
        city,
        state,
        code,
    ]


def test_absent_fields_are_empty_with_the_confidence_of_the_page() -> None:
    found = fields(*GLUED)
    assert found["COUNTY"].text == ""
    assert found["COUNTY"].confidence > 90


def test_a_page_without_text_has_empty_fields_with_low_confidence() -> None:
    found = read_identity(TextPage(1_000, 630, ()))
    assert {field.text for field in found.values()} == {""}
    assert max(field.confidence for field in found.values()) < 50


def test_a_picture_without_a_document_gives_no_person() -> None:
    found = read("STOP", "SCHOOL ZONE", "SPEED LIMIT 25")
    assert [found[name] for name in ("LAST_NAME", "FIRST_NAME", "DOCUMENT_NUMBER", "DATE_OF_BIRTH", "ADDRESS")] == [""] * 5


def test_a_poorly_read_field_has_a_low_confidence() -> None:
    boxes = page("FLORIDA", "1 SAMPLE").boxes
    poor = tuple(TextBox(box.text, box.left, box.top, box.right, box.bottom, 0.6) for box in boxes)
    assert read_identity(TextPage(1_000, 630, poor))["LAST_NAME"].confidence < 90


def test_idaho_s_postal_code_is_no_label() -> None:
    found = read("IDAHO", "4d DLN AB123456C", "1 SAMPLE", "2 NICK", "8 1 ELM COURT", ">BOISE ID 83701-1234")
    assert [found[name] for name in ("DOCUMENT_NUMBER", "CITY_IN_ADDRESS", "STATE_IN_ADDRESS")] == ["AB123456C", "BOISE", "ID"]
