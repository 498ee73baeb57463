"""AnalyzeID's fields, and how a value with its confidence is described."""

from __future__ import annotations

from dataclasses import dataclass

# The order of https://docs.aws.amazon.com/textract/latest/dg/identitydocumentfields.html
DRIVER_LICENSE_FIELDS = (
    "FIRST_NAME", "LAST_NAME", "MIDDLE_NAME", "SUFFIX", "CITY_IN_ADDRESS", "ZIP_CODE_IN_ADDRESS",
    "STATE_IN_ADDRESS", "STATE_NAME", "DOCUMENT_NUMBER", "EXPIRATION_DATE", "DATE_OF_BIRTH", "DATE_OF_ISSUE",
    "ID_TYPE", "ENDORSEMENTS", "VETERAN", "RESTRICTIONS", "CLASS", "ADDRESS", "COUNTY", "PLACE_OF_BIRTH", "MRZ_CODE",
)  # fmt: skip
DRIVER_LICENSE = "DRIVER LICENSE FRONT"
PASSPORT = "PASSPORT"


@dataclass(frozen=True, slots=True)
class Field:
    """A value as printed, its confidence (0 to 100), and for dates ``YYYY-MM-DDT00:00:00``."""

    text: str
    confidence: float
    normalised: str | None = None


def confidence_of(score: float, certainty: float = 1.0) -> float:
    """Map an OCR score (0 to 1) to AnalyzeID's scale.

    For clear print AnalyzeID has 98 to 99.9 and the recogniser 0.93 to 1.0; a limit of 90 means
    "hardly readable", for which the recogniser has 0.75. ``certainty`` lowers the
    confidence of values that were not found by a label.
    """
    return max(0.0, min(99.9, 100.0 * certainty * (1.0 - 0.4 * (1.0 - score))))


def absent_confidence(scores: list[float]) -> float:
    """The confidence that a field is not on the document: that of the page as a whole."""
    if len(scores) < 4:
        return 20.0
    return confidence_of(sum(scores) / len(scores))
