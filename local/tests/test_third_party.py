"""The fake of the licence verification service."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from conftest import LocalAws

from bonafide_local.third_party import FIELDS, BadRegister, Register, RegisterAnswer, normalise

HEADERS = {"x-api-key": "local-third-party-key", "idempotency-key": "a-1"}


def ask(aws: LocalAws, number: str, headers: dict[str, str] | None = None, **more: Any) -> tuple[int, Any]:
    body = {"driver_license_id": number, "validation_override": False, "app_uuid": "a"} | more
    return aws.http("POST", f"{aws.third_party}/license", body, HEADERS if headers is None else headers)


def test_known_numbers_are_true_in_every_notation(aws: LocalAws) -> None:
    assert ask(aws, "S123456579010") == (200, True)
    assert ask(aws, "s123-456-57-901-0") == (200, True)


def test_other_numbers_are_false_and_cannot_be_overridden(aws: LocalAws) -> None:
    assert ask(aws, "X000") == (200, False)
    assert ask(aws, "X000", validation_override=True) == (200, False)


def test_a_number_is_added_while_it_runs(aws: LocalAws) -> None:
    assert aws.http("PUT", f"{aws.third_party}/register/N-1", {"answer": "known"})[0] == 200
    assert ask(aws, "n1") == (200, True)
    assert aws.http("PUT", f"{aws.third_party}/register/N-1", {"answer": "perhaps"})[0] == 400


NICK = {"first_name": "Nick", "last_name": "Sample", "date_of_birth": "1957-01-12", "expiration_date": "2031-06-30"}


def compare(aws: LocalAws, number: str, **document: Any) -> tuple[int, Any]:
    return aws.http("POST", f"{aws.third_party}/license/fields", {"driver_license_id": number, "app_uuid": "a"} | document, HEADERS)


def test_fields_are_compared_one_by_one(aws: LocalAws) -> None:
    aws.http("PUT", f"{aws.third_party}/register/N-2", {"answer": "known", "state": "FL", "holder": NICK})
    everything = dict.fromkeys(["driver_license_id", *FIELDS], "match")
    nothing = dict.fromkeys(FIELDS, "not_compared")
    assert compare(aws, "n2", issuer="FL", **NICK | {"last_name": "SAMPLE"}) == (200, everything)
    assert compare(aws, "N-2", **NICK | {"last_name": "EXAMPLE"}) == (200, everything | {"last_name": "no_match"})
    assert compare(aws, "N-2") == (200, nothing | {"driver_license_id": "match"})
    for number, issuer in (("N-2", "GA"), ("X000", "FL")):
        assert compare(aws, number, issuer=issuer, **NICK) == (200, nothing | {"driver_license_id": "no_match"})
    # A number of which the register has no holder.
    aws.http("PUT", f"{aws.third_party}/register/N-3", {"answer": "known"})
    assert compare(aws, "N-3", **NICK) == (200, nothing | {"driver_license_id": "match"})
    assert compare(aws, "N-3", address="here")[0] == 400
    assert aws.http("PUT", f"{aws.third_party}/register/N-3", {"answer": "known", "holder": {"name": "x"}})[0] == 400


def test_down_slow_and_malformed_answers(aws: LocalAws) -> None:
    for answer in ("down", "slow", "malformed"):
        aws.http("PUT", f"{aws.third_party}/register/{answer}", {"answer": answer})
    assert ask(aws, "down")[0] == 503
    started = time.monotonic()
    assert ask(aws, "slow") == (200, True)
    assert time.monotonic() - started >= 0.5
    with pytest.raises(json.JSONDecodeError):
        ask(aws, "malformed")


def test_refuses_wrong_keys_and_malformed_bodies(aws: LocalAws) -> None:
    assert ask(aws, "A1", {"x-api-key": "wrong", "idempotency-key": "a"})[0] == 401
    assert ask(aws, "A1", {"x-api-key": "local-third-party-key"})[0] == 400
    assert ask(aws, "")[0] == 400
    assert ask(aws, "A1", extra=1)[0] == 400
    assert ask(aws, "A1", app_uuid=7)[0] == 400


def test_serves_its_description(aws: LocalAws) -> None:
    with urllib.request.urlopen(f"{aws.third_party}/openapi.yaml") as answer:
        assert b"openapi: 3.1.0" in answer.read()


def test_the_shipped_register_loads() -> None:
    entry = Register.load(None).license("W325-618-84-999-0")
    assert (entry.answer, entry.holder.keys()) == (RegisterAnswer.KNOWN, set(FIELDS))


def test_an_error_of_a_register_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"licenses": [{"number": "A"}]}')
    with pytest.raises(BadRegister, match=r"mine\.json"):
        Register.load(path)


def test_numbers_are_compared_without_separators() -> None:
    assert normalise(" s 123-456.7 ") == "S1234567"
