"""Finds the fields of one identity document in its pages of text."""

from __future__ import annotations

from collections.abc import Sequence

from bonafide_local.text.boxes import TextPage
from bonafide_local.text.driver_license import read_driver_license
from bonafide_local.text.fields import DRIVER_LICENSE_FIELDS, Field, absent_confidence
from bonafide_local.text.passport import read_passport


def read_identity(pages: Sequence[TextPage]) -> dict[str, Field]:
    """Read one document from its pages (front, then back); the result has every field, and absent ones are empty.

    A later page only adds fields that the earlier ones do not show.
    """
    found: dict[str, Field] = {}
    for page in pages:
        for name, field in (read_passport(page) or read_driver_license(page)).items():
            found.setdefault(name, field)
    scores = [box.score for page in pages for box in page.boxes]
    absent = Field("", absent_confidence(scores))
    return {name: found.get(name, absent) for name in DRIVER_LICENSE_FIELDS}
