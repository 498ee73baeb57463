"""AnalyzeID and DetectDocumentText for SDK clients, with drawn cards."""

from __future__ import annotations

import io
import math
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import LocalAws
from drawing import LAYOUTS, LOOKS, Layout, draw_license
from measure import wrong_fields
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from bonafide_local.models import Direction, judge
from bonafide_local.text.fields import DRIVER_LICENSE_FIELDS, Field

BY_NAME = {layout.name: layout for layout in LAYOUTS}


@pytest.fixture(scope="module")
def textract(aws: LocalAws) -> Any:
    return aws.client("textract")


def fields_of(answer: dict[str, Any]) -> dict[str, Field]:
    body = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    assert judge("textract", "AnalyzeID", Direction.ANSWER, body) == []
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
    # In a number one separator may be missing; a name, a date or a street must be exact.
    assert not set(wrong) & {"FIRST_NAME", "LAST_NAME", "DATE_OF_BIRTH", "EXPIRATION_DATE"}, wrong
    assert len(wrong) <= 1, wrong
    confidences = [field.confidence for name, field in found.items() if field.text]
    assert sum(confidences) / len(confidences) > 95


def test_every_field_is_there_and_absent_ones_are_empty(textract: Any) -> None:
    answer = textract.analyze_id(DocumentPages=[{"Bytes": draw_license(BY_NAME["florida"], LOOKS["photo"])}])
    found = fields_of(answer)
    assert list(found) == list(DRIVER_LICENSE_FIELDS)
    assert found["COUNTY"].text == ""
    assert found["ID_TYPE"].text == "DRIVER LICENSE FRONT"
    assert answer["DocumentMetadata"]["Pages"] == 1


def test_each_page_is_a_document_with_its_words(textract: Any) -> None:
    pages = [{"Bytes": draw_license(BY_NAME[name], LOOKS["photo"])} for name in ("florida", "california")]
    documents = textract.analyze_id(DocumentPages=pages)["IdentityDocuments"]
    assert [document["DocumentIndex"] for document in documents] == [1, 2]
    for document in documents:
        values = {field["Type"]["Text"]: field["ValueDetection"]["Text"] for field in document["IdentityDocumentFields"]}
        words = {block["Text"] for block in document["Blocks"] if block["BlockType"] == "WORD"}
        assert values["LAST_NAME"] in words


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


# Text, and its upper left corner on a page of 1000 by 400.
FONT = ImageFont.load_default(48)
PRINT = {"SPECIMEN CARD": (40, 30), "ANNA MARIA": (40, 140), "ERIKSSON": (560, 140), "1990-02-29 0000": (40, 260)}


def page(blur: float = 0, turn: float = 0) -> bytes:
    picture = Image.new("RGB", (1000, 400), "white")
    for text, place in PRINT.items():
        ImageDraw.Draw(picture).text(place, text, "black", FONT)
    buffer = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(blur)).rotate(turn, Image.Resampling.BICUBIC, fillcolor="white").save(buffer, "PNG")
    return buffer.getvalue()


def blocks_of(answer: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    body = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    assert judge("textract", "DetectDocumentText", Direction.ANSWER, body) == []
    return [block for block in body["Blocks"] if block["BlockType"] == kind]


def test_detects_lines_and_their_words(textract: Any) -> None:
    answer = textract.detect_document_text(Document={"Bytes": page()})
    assert answer["DocumentMetadata"] == {"Pages": 1}
    (whole,), lines, words = (blocks_of(answer, kind) for kind in ("PAGE", "LINE", "WORD"))
    assert [line["Text"] for line in lines] == list(PRINT)
    assert [word["Text"] for word in words] == " ".join(PRINT).split()
    assert {word["TextType"] for word in words} == {"PRINTED"}
    assert min(block["Confidence"] for block in lines + words) > 95
    # From the top to the bottom, by their ids: page, lines, words.
    by_id = {block["Id"]: block for block in answer["Blocks"]}
    assert len(by_id) == len(answer["Blocks"]) == 1 + len(lines) + len(words)
    assert [by_id[child] for child in whole["Relationships"][0]["Ids"]] == lines
    assert "Confidence" not in whole
    assert [child for line in lines for child in line["Relationships"][0]["Ids"]] == [word["Id"] for word in words]
    for line in lines:
        left, top = PRINT[line["Text"]]
        box = line["Geometry"]["BoundingBox"]
        assert (box["Left"] * 1000, box["Top"] * 400) == pytest.approx((left, top + 10), abs=20)
        assert 0 < box["Height"] < 0.25


def test_words_have_the_places_of_the_print(textract: Any) -> None:
    words = {word["Text"]: word["Geometry"] for word in blocks_of(textract.detect_document_text(Document={"Bytes": page()}), "WORD")}
    measure = ImageDraw.Draw(Image.new("L", (1, 1)))
    for text, begins in (("ANNA", ""), ("MARIA", "ANNA ")):
        box = words[text]["BoundingBox"]
        left = 40 + measure.textlength(begins, FONT)
        assert box["Left"] * 1000 == pytest.approx(left, abs=15)
        assert box["Width"] * 1000 == pytest.approx(measure.textlength(text, FONT), abs=20)
        first, second, third, fourth = words[text]["Polygon"]
        assert first["X"] == fourth["X"] < second["X"] == third["X"]
        assert first["Y"] < fourth["Y"]


def test_outlines_follow_a_turned_page(textract: Any) -> None:
    lines = blocks_of(textract.detect_document_text(Document={"Bytes": page(turn=6)}), "LINE")
    polygon = next(line for line in lines if line["Text"] == "1990-02-29 0000")["Geometry"]["Polygon"]
    # Turned to the left: the right end is higher than the left one, by the page's proportions.
    rise = (polygon[0]["Y"] - polygon[1]["Y"]) * 400 / ((polygon[1]["X"] - polygon[0]["X"]) * 1000)
    assert rise == pytest.approx(math.tan(math.radians(6)), abs=0.03)


def test_blurred_text_has_a_lower_confidence(textract: Any) -> None:
    answer = textract.detect_document_text(Document={"Bytes": page(blur=6)})
    lines, words = blocks_of(answer, "LINE"), blocks_of(answer, "WORD")
    assert lines
    assert {line["Text"] for line in lines}.isdisjoint(PRINT)
    assert min(line["Confidence"] for line in lines) < 90
    assert min(word["Confidence"] for word in words) < 85


def test_a_page_without_text_has_only_the_page_block(textract: Any) -> None:
    answer = textract.detect_document_text(Document={"Bytes": png(800, 500)})
    assert [block["BlockType"] for block in answer["Blocks"]] == ["PAGE"]
    assert "Relationships" not in answer["Blocks"][0]


def test_detects_text_of_an_object(textract: Any, aws: LocalAws, bucket: str) -> None:
    s3 = aws.client("s3")
    version = s3.put_object(Bucket=bucket, Key="page.png", Body=page())["VersionId"]
    s3.put_object(Bucket=bucket, Key="page.png", Body=png(800, 500))
    reference = {"Bucket": bucket, "Name": "page.png"}
    assert blocks_of(textract.detect_document_text(Document={"S3Object": reference}), "LINE") == []
    earlier = textract.detect_document_text(Document={"S3Object": reference | {"Version": version}})
    assert len(blocks_of(earlier, "LINE")) == len(PRINT)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"Bytes": b"GIF89a and so on"}, "UnsupportedDocumentException"),
        ({"Bytes": b"%PDF-1.7 and so on"}, "UnsupportedDocumentException"),
        ({"Bytes": b"\xff\xd8\xff\xe0 broken"}, "BadDocumentException"),
        ({"Bytes": b"\x89PNG\r\n\x1a\n" + bytes(10 * 1024 * 1024)}, "ValidationException"),
        ({"Bytes": png(10_001, 20)}, "BadDocumentException"),
        ({"S3Object": {"Bucket": "pictures", "Name": "absent"}}, "InvalidS3ObjectException"),
        ({}, "InvalidParameterException"),
    ],
)
def test_unusable_documents_get_the_errors_of_aws(textract: Any, bucket: str, document: dict[str, Any], code: str) -> None:
    for ask in (lambda: textract.analyze_id(DocumentPages=[document]), lambda: textract.detect_document_text(Document=document)):
        with pytest.raises(ClientError) as error:
            ask()
        assert error.value.response["Error"]["Code"] == code
