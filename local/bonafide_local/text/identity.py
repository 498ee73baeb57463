"""Finds the fields of one identity document in the text of its page."""

from __future__ import annotations

from bonafide_local.text.boxes import TextPage
from bonafide_local.text.driver_license import read_driver_license
from bonafide_local.text.fields import DRIVER_LICENSE_FIELDS, Field, absent_confidence
from bonafide_local.text.passport import read_passport


def read_identity(page: TextPage) -> dict[str, Field]:
    """Read a document from its page; the result has every field, and absent ones are empty."""
    found = read_passport(page) or read_driver_license(page)
    absent = Field("", absent_confidence([box.score for box in page.boxes]))
    return {name: found.get(name, absent) for name in DRIVER_LICENSE_FIELDS}
