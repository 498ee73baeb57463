"""The national registers, as the worker calls them."""

from __future__ import annotations

import pytest
from conftest import LocalAws


@pytest.mark.parametrize(
    ("country", "number", "last_name"),
    [
        ("DK", "0707614285", "TESTGAARD"),
        ("SE", "198504179808", "PROVSTRÖM"),
        ("NO", "14838622020", "PRØVESTAD"),
        ("FI", "240588-908H", "MALLIKAS"),
    ],
)
def test_a_person_of_the_specimens_is_known(aws: LocalAws, country: str, number: str, last_name: str) -> None:
    status, answer = aws.http("POST", f"{aws.third_party}/registry/lookup", {"country": country, "nationalId": number})
    assert (status, answer["found"], answer["person"]["lastName"]) == (200, True, last_name)


def test_others_are_unknown_and_one_shows_an_outage(aws: LocalAws) -> None:
    def ask(country: str, number: str) -> tuple[int, object]:
        return aws.http("POST", f"{aws.third_party}/registry/lookup", {"country": country, "nationalId": number})

    # Known in another country.
    assert ask("NO", "0707614285") == (200, {"found": False})
    assert ask("DK", "2209830519")[0] == 503
    assert aws.http("POST", f"{aws.third_party}/registry/lookup", {"country": "DK"})[0] == 400
