"""A stand-in for Amazon Textract's AnalyzeID that really reads the picture.

Its shapes and errors follow the service's model and documentation
(https://docs.aws.amazon.com/textract/latest/dg/identitydocumentfields.html); its reading does not.
"""

from __future__ import annotations

from typing import Any

from bonafide_local.aws_json import Operation
from bonafide_local.errors import ServiceError
from bonafide_local.eyes import Eyes, LookError
from bonafide_local.objects import ReadObject, read_s3
from bonafide_local.pictures import PictureFormat, UnreadablePicture, dimensions, sniff
from bonafide_local.text.boxes import TextPage
from bonafide_local.text.fields import Field
from bonafide_local.text.identity import read_identity

MODEL_VERSION = "1.0"
MAXIMUM_BYTES = 10 * 1024 * 1024
MAXIMUM_SIDE = 10_000


class Textract:
    """The one operation."""

    def __init__(self, eyes: Eyes, read_object: ReadObject) -> None:
        self._eyes = eyes
        self._read_object = read_object

    def operations(self) -> dict[str, Operation]:
        """Operation name → coroutine function from a parsed request to an answer."""
        return {"AnalyzeID": self.analyze_id}

    async def analyze_id(self, request: dict[str, Any]) -> dict[str, Any]:
        """Read one identity document from one or two pages (front and back).

        Fields that are not on the document come with empty text, as AnalyzeID gives them; a picture
        without readable text is not an error.
        """
        pages = [await self._page(document) for document in request["DocumentPages"]]
        fields = read_identity(pages)
        return {
            "IdentityDocuments": [
                {
                    "DocumentIndex": 1,
                    "IdentityDocumentFields": [_field(name, field) for name, field in fields.items()],
                }
            ],
            "DocumentMetadata": {"Pages": len(pages)},
            "AnalyzeIDModelVersion": MODEL_VERSION,
        }

    async def _page(self, document: dict[str, Any]) -> TextPage:
        if ("Bytes" in document) == ("S3Object" in document):
            raise ServiceError("InvalidParameterException", "Request has invalid parameters: one of Bytes and S3Object")
        data = document["Bytes"] if "Bytes" in document else read_s3(self._read_object, document["S3Object"])
        if len(data) > MAXIMUM_BYTES:
            raise ServiceError("DocumentTooLargeException", f"The document is larger than {MAXIMUM_BYTES} bytes")
        if sniff(data) not in (PictureFormat.JPEG, PictureFormat.PNG, PictureFormat.TIFF):
            # AWS also takes PDF; nothing in this product sends one.
            raise ServiceError("UnsupportedDocumentException", "Request has unsupported document format")
        try:
            if max(dimensions(data)) > MAXIMUM_SIDE:
                raise ServiceError("BadDocumentException", f"A side is longer than {MAXIMUM_SIDE} pixels")
            return await self._eyes.text(data)
        except (LookError, UnreadablePicture):
            raise ServiceError("BadDocumentException", "The document cannot be decoded") from None


def _field(name: str, field: Field) -> dict[str, Any]:
    value: dict[str, Any] = {"Text": field.text, "Confidence": field.confidence}
    if field.normalised is not None:
        value["NormalizedValue"] = {"Value": field.normalised, "ValueType": "DATE"}
    return {
        "Type": {"Text": name},
        "ValueDetection": value,
    }
