"""AnalyzeID as SDK clients see it, reading drawn cards end to end."""

from __future__ import annotations

import io
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import LocalAws
from drawing import LAYOUTS, LOOKS, Layout, draw_license
from measure import wrong_fields
from PIL import Image

from bonafide_local.models import problems_of_answer
from bonafide_local.text.fields import DRIVER_LICENSE_FIELDS, Field

BY_NAME = {layout.name: layout for layout in LAYOUTS}


@pytest.fixture(scope="module")
def textract(aws: LocalAws) -> Any:
    return aws.client("textract")


def fields_of(answer: dict[str, Any]) -> dict[str, Field]:
    body = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    assert problems_of_answer("textract", "AnalyzeID", body) == []
    found = {}
    for field in body["IdentityDocuments"][0]["IdentityDocumentFields"]:
        value = field["ValueDetection"]
        found[field["Type"]["Text"]] = Field(value["Text"], value["Confidence"], value.get("NormalizedValue", {}).get("Value"))
    return found


@pytest.mark.parametrize(
    ("name", "look"),
    [
        ("florida", "photo"),
        ("california", "scan"),
        ("texas", "small"),
        ("pennsylvania", "large"),
        ("massachusetts", "photo"),
        ("new-jersey", "scan"),
    ],
)
def test_reads_a_drawn_card(textract: Any, name: str, look: str) -> None:
    layout: Layout = BY_NAME[name]
    found = fields_of(textract.analyze_id(DocumentPages=[{"Bytes": draw_license(layout, LOOKS[look])}]))
    wrong = wrong_fields(layout.truth, found)
    # One separator may go missing in a number; a name, a date or a street may not.
    assert not set(wrong) & {"FIRST_NAME", "LAST_NAME", "DATE_OF_BIRTH", "EXPIRATION_DATE"}, wrong
    assert len(wrong) <= 1, wrong
    confidences = [field.confidence for name, field in found.items() if field.text]
    assert sum(confidences) / len(confidences) > 95


def test_every_field_is_there_and_absent_ones_are_empty(textract: Any) -> None:
    answer = textract.analyze_id(DocumentPages=[{"Bytes": draw_license(BY_NAME["florida"], LOOKS["scan"])}])
    found = fields_of(answer)
    assert list(found) == list(DRIVER_LICENSE_FIELDS)
    assert found["COUNTY"].text == ""
    assert found["ID_TYPE"].text == "DRIVER LICENSE FRONT"
    assert answer["DocumentMetadata"]["Pages"] == 1


def test_an_unreadable_picture_is_no_error(textract: Any) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((900, 560), 80).save(buffer, "JPEG")
    found = fields_of(textract.analyze_id(DocumentPages=[{"Bytes": buffer.getvalue()}]))
    assert {field.text for field in found.values()} == {""}
    assert max(field.confidence for field in found.values()) < 90


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height), 200).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"Bytes": b"GIF89a and so on"}, "UnsupportedDocumentException"),
        ({"Bytes": b"%PDF-1.7 and so on"}, "UnsupportedDocumentException"),
        ({"Bytes": b"\xff\xd8\xff\xe0 broken"}, "BadDocumentException"),
        ({"Bytes": b"\x89PNG\r\n\x1a\n" + bytes(10 * 1024 * 1024)}, "DocumentTooLargeException"),
        ({"Bytes": png(10_001, 20)}, "BadDocumentException"),
        ({"S3Object": {"Bucket": "pictures", "Name": "absent"}}, "InvalidS3ObjectException"),
        ({}, "InvalidParameterException"),
    ],
)
def test_unusable_documents_are_named_as_aws_does(textract: Any, bucket: str, document: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as error:
        textract.analyze_id(DocumentPages=[document])
    assert error.value.response["Error"]["Code"] == code
