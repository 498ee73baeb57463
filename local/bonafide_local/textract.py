"""A fake of Amazon Textract's AnalyzeID and DetectDocumentText that reads the picture.

Shapes and errors follow the service's model and documentation
(https://docs.aws.amazon.com/textract/latest/dg/identitydocumentfields.html and text-location.html); the recognized text does not.
"""

from __future__ import annotations

import uuid
from typing import Any

from bonafide_local.analysis_pool import AnalysisPool, DecodeError
from bonafide_local.aws_json import Operation
from bonafide_local.errors import ServiceError
from bonafide_local.objects import ReadObject, read_s3
from bonafide_local.pictures import PictureFormat, UnreadablePicture, dimensions, sniff
from bonafide_local.text.boxes import Corners, TextBox, TextPage, TextWord
from bonafide_local.text.fields import Field, confidence_of
from bonafide_local.text.identity import read_identity

MODEL_VERSION = "1.0"
MAXIMUM_BYTES = 10 * 1024 * 1024
MAXIMUM_SIDE = 10_000


class Textract:
    """The two operations."""

    def __init__(self, pool: AnalysisPool, read_object: ReadObject) -> None:
        self._pool = pool
        self._read_object = read_object

    def operations(self) -> dict[str, Operation]:
        """Operation name → coroutine function from a parsed request to an answer."""
        return {"AnalyzeID": self.analyze_id, "DetectDocumentText": self.detect_document_text}

    async def analyze_id(self, request: dict[str, Any]) -> dict[str, Any]:
        """Read one or two pages, each as a document of its own.

        Fields that are not on the document have empty text, as with AnalyzeID; a picture without readable
        text is not an error.
        """
        pages = [await self._page(document) for document in request["DocumentPages"]]
        return {
            "IdentityDocuments": [
                {
                    "DocumentIndex": index,
                    "IdentityDocumentFields": [_field(name, field) for name, field in read_identity(page).items()],
                    "Blocks": _blocks(page),
                }
                for index, page in enumerate(pages, start=1)
            ],
            "DocumentMetadata": {"Pages": len(pages)},
            "AnalyzeIDModelVersion": MODEL_VERSION,
        }

    async def detect_document_text(self, request: dict[str, Any]) -> dict[str, Any]:
        """Read the lines and words of one page. A page without text is not an error: it has only the PAGE block."""
        return {
            "Blocks": _blocks(await self._page(request["Document"])),
            "DocumentMetadata": {"Pages": 1},
            "DetectDocumentTextModelVersion": MODEL_VERSION,
        }

    async def _page(self, document: dict[str, Any]) -> TextPage:
        if ("Bytes" in document) == ("S3Object" in document):
            raise ServiceError("InvalidParameterException", "Request has invalid parameters: one of Bytes and S3Object")
        data = document["Bytes"] if "Bytes" in document else read_s3(self._read_object, document["S3Object"])
        if len(data) > MAXIMUM_BYTES:
            raise ServiceError("DocumentTooLargeException", f"The document is larger than {MAXIMUM_BYTES} bytes")
        if sniff(data) not in (PictureFormat.JPEG, PictureFormat.PNG, PictureFormat.TIFF):
            # AWS also accepts PDF, which this product never sends.
            raise ServiceError("UnsupportedDocumentException", "Request has unsupported document format")
        try:
            if max(dimensions(data)) > MAXIMUM_SIDE:
                raise ServiceError("BadDocumentException", f"A side is longer than {MAXIMUM_SIDE} pixels")
            return await self._pool.text(data)
        except (DecodeError, UnreadablePicture):
            raise ServiceError("BadDocumentException", "The document cannot be decoded") from None


def _field(name: str, field: Field) -> dict[str, Any]:
    value: dict[str, Any] = {"Text": field.text, "Confidence": field.confidence}
    if field.normalised is not None:
        value["NormalizedValue"] = {"Value": field.normalised, "ValueType": "DATE"}
    return {
        "Type": {"Text": name},
        "ValueDetection": value,
    }


def _blocks(page: TextPage) -> list[dict[str, Any]]:
    """The page, its lines from top to bottom, and the words of all of them."""
    lines, words = [], []
    for box in (box for box in page.boxes if box.words):
        parts = [_block("WORD", page, _part(box, word), word.text, word.score, TextType="PRINTED") for word in box.words]
        # The text and score of a line are those of its words; scores of spaces do not count.
        text = " ".join(word.text for word in box.words)
        score = sum(word.score for word in box.words) / len(box.words)
        lines.append(_block("LINE", page, _outline(box), text, score, children=parts))
        words += parts
    whole = ((0.0, 0.0), (float(page.width), 0.0), (float(page.width), float(page.height)), (0.0, float(page.height)))
    return [_block("PAGE", page, whole, children=lines), *lines, *words]


def _block(
    kind: str,
    page: TextPage,
    corners: Corners,
    text: str | None = None,
    score: float = 0.0,
    children: list[dict[str, Any]] | None = None,
    **further: Any,
) -> dict[str, Any]:
    block: dict[str, Any] = {"BlockType": kind, "Id": str(uuid.uuid4()), "Geometry": _geometry(page, corners)}
    if text is not None:
        block |= {"Text": text, "Confidence": confidence_of(score)}
    if children:
        block["Relationships"] = [{"Type": "CHILD", "Ids": [child["Id"] for child in children]}]
    return block | further


def _geometry(page: TextPage, corners: Corners) -> dict[str, Any]:
    """Coordinates as ratios of the page's width and height."""
    points = [(min(1.0, max(0.0, x / page.width)), min(1.0, max(0.0, y / page.height))) for x, y in corners]
    left, top = (min(values) for values in zip(*points, strict=True))
    right, bottom = (max(values) for values in zip(*points, strict=True))
    return {
        "BoundingBox": {"Left": left, "Top": top, "Width": right - left, "Height": bottom - top},
        "Polygon": [{"X": x, "Y": y} for x, y in points],
    }


def _outline(box: TextBox) -> Corners:
    return box.corners or ((box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom))


def _part(box: TextBox, word: TextWord) -> Corners:
    """The outline of one word: a part of its line, which runs downwards when it is vertical."""
    upper_left, upper_right, lower_right, lower_left = _outline(box)

    def along(first: tuple[float, float], second: tuple[float, float], share: float) -> tuple[float, float]:
        return first[0] + (second[0] - first[0]) * share, first[1] + (second[1] - first[1]) * share

    if box.vertical:
        return (
            along(upper_left, lower_left, word.start),
            along(upper_right, lower_right, word.start),
            along(upper_right, lower_right, word.end),
            along(upper_left, lower_left, word.end),
        )
    return (
        along(upper_left, upper_right, word.start),
        along(upper_left, upper_right, word.end),
        along(lower_left, lower_right, word.end),
        along(lower_left, lower_right, word.start),
    )
