"""Pictures as the services accept them: format, orientation, size. Bytes in, RGB arrays out."""

from __future__ import annotations

import io
from enum import Enum

import numpy as np
from PIL import Image, ImageOps

# A 100-megapixel photograph decodes to 300 MB. Nothing that a service accepts is larger.
MAXIMUM_PIXELS = 100_000_000
Image.MAX_IMAGE_PIXELS = MAXIMUM_PIXELS


class PictureFormat(Enum):
    """The format according to the first bytes; the name and content type of the object are ignored."""

    JPEG = "jpeg"
    PNG = "png"
    PDF = "pdf"
    TIFF = "tiff"
    UNKNOWN = "unknown"


class UnreadablePicture(Exception):
    """The bytes have a picture's signature but do not decode. Has no details of the content."""


def sniff(data: bytes) -> PictureFormat:
    """Detect the format by its signature."""
    if data.startswith(b"\xff\xd8\xff"):
        return PictureFormat.JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PictureFormat.PNG
    if data[:1024].lstrip().startswith(b"%PDF-"):
        return PictureFormat.PDF
    if data[:4] in (b"II*\x00", b"MM\x00*"):
        return PictureFormat.TIFF
    return PictureFormat.UNKNOWN


def dimensions(data: bytes) -> tuple[int, int]:
    """Width and height in pixels as the file's header says, without decoding. Raises `UnreadablePicture`."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            return opened.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadablePicture(type(error).__name__) from None


def decode(data: bytes) -> np.ndarray:
    """Decode to an upright RGB array of shape (height, width, 3), dtype uint8.

    The EXIF orientation is applied, as Rekognition and Textract do for JPEG; transparency is
    replaced by white. Raises `UnreadablePicture`.
    """
    try:
        with Image.open(io.BytesIO(data)) as opened:
            opened.load()
            upright = ImageOps.exif_transpose(opened)
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                layered = upright.convert("RGBA")
                ground = Image.new("RGBA", layered.size, (255, 255, 255, 255))
                upright = Image.alpha_composite(ground, layered)
            return np.asarray(upright.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, MemoryError) as error:
        raise UnreadablePicture(type(error).__name__) from None
