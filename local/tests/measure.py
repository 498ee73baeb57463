"""Counts the fields that the fake of Textract reads correctly on the drawn layouts.

PYTHONPATH=local:local/tests python local/tests/measure.py [--look scan] [--layout texas] [--verbose]
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

from drawing import LAYOUTS, LOOKS, Look, Truth, draw_license

from bonafide_local.pictures import decode
from bonafide_local.text.fields import Field
from bonafide_local.text.identity import read_identity
from bonafide_local.text.reader import TextReader


def agrees(name: str, expected: str, field: Field) -> bool:
    """Dates are compared by value, other fields by printed text without a final dot or comma."""
    if name.startswith("DATE") or name == "EXPIRATION_DATE":
        month, day, year = expected.split("/")
        return field.normalised == f"{year}-{month}-{day}T00:00:00"
    return re.sub(r"[.,]", "", field.text) == re.sub(r"[.,]", "", expected)


def wrong_fields(truth: Truth, fields: dict[str, Field]) -> dict[str, tuple[str, str]]:
    """Field name → (expected, read) where they differ."""
    return {
        name: (expected, fields[name].text)
        for name, expected in truth.items()
        if not (agrees(name, expected, fields[name]) if expected else fields[name].text == "")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--look", choices=sorted(LOOKS), action="append")
    parser.add_argument("--layout", choices=[layout.name for layout in LAYOUTS], action="append")
    parser.add_argument("--font", default="default")
    parser.add_argument("--verbose", action="store_true", help="also print every box of a layout with a wrong field")
    parser.add_argument("--save", type=Path, help="write the drawn pictures into this folder")
    parsed = parser.parse_args()
    reader = TextReader(1)
    good = total = cards = 0
    seconds = 0.0
    for look_name in parsed.look or LOOKS:
        for layout in LAYOUTS:
            if parsed.layout and layout.name not in parsed.layout:
                continue
            look = Look(**{**{f: getattr(LOOKS[look_name], f) for f in Look.__dataclass_fields__}, "font": parsed.font})
            data = draw_license(layout, look)
            if parsed.save:
                (parsed.save / f"{layout.name}-{look_name}.{'jpg' if look.quality else 'png'}").write_bytes(data)
            started = time.perf_counter()
            page = reader.read(decode(data))
            seconds += time.perf_counter() - started
            wrong = wrong_fields(layout.truth, read_identity(page))
            cards += 1
            total += len(layout.truth)
            good += len(layout.truth) - len(wrong)
            print(f"{look_name:6} {layout.name:16} {len(layout.truth) - len(wrong)}/{len(layout.truth)}  {wrong or ''}")
            if parsed.verbose and wrong:
                for box in page.boxes:
                    print(
                        f"      {box.left:5.0f} {box.top:5.0f} {box.right:5.0f} {box.bottom:5.0f} {box.score:.2f} {'|' if box.vertical else ' '} {box.text!r}"
                    )
    print(f"{good} of {total} fields correct ({100 * good / total:.1f} %) on {cards} cards, {seconds / cards:.2f} s each")


if __name__ == "__main__":
    main()
