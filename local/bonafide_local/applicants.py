"""The local issuer of the access tokens of people in conversations: OpenID Connect's discovery, its keys, and tokens for programs.

On AWS it is the operating company's own, with its pages to sign in.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bonafide_local.http import HttpAnswer, HttpRequest, json_answer

# The one client in which people sign in.
CLIENT = "applicants"
PATH = "/applicants"
SECONDS = 3600


class Applicants:
    """Serves what is below ``/applicants``. Its keys are new in each process, so that older tokens are refused."""

    def __init__(self, address: str) -> None:
        """``address`` is that of the server, without a path."""
        self.issuer = f"{address}{PATH}"
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key_id = uuid.uuid4().hex

    def handle(self, request: HttpRequest) -> HttpAnswer:
        match (request.method, request.path.removeprefix(PATH)):
            case ("GET", "/.well-known/openid-configuration"):
                return json_answer(200, {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"})
            case ("GET", "/keys"):
                numbers = self._key.public_key().public_numbers()
                key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self._key_id}
                return json_answer(200, {"keys": [{**key, "n": _number(numbers.n), "e": _number(numbers.e)}]})
            case ("POST", "/tokens"):
                return self._issue(request)
        return json_answer(404, {"error": "known: GET /.well-known/openid-configuration, GET /keys, POST /tokens"})

    def _issue(self, request: HttpRequest) -> HttpAnswer:
        """A token for any subject. ``claims`` replaces claims, for tests of tokens that are refused."""
        try:
            asked: dict[str, Any] = json.loads(request.text)
            subject, own = str(asked["subject"]), dict(asked.get("claims", {}))
        except (ValueError, KeyError, TypeError):
            return json_answer(400, {"error": "expected subject"})
        now = int(time.time())
        claims = {
            "sub": subject,
            "iss": self.issuer,
            "client_id": CLIENT,
            "iat": now,
            "exp": now + SECONDS,
            "jti": str(uuid.uuid4()),
        } | own
        header = {"alg": "RS256", "typ": "at+jwt", "kid": self._key_id}
        signed = ".".join(_part(json.dumps(value).encode()) for value in (header, claims))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return json_answer(200, {"accessToken": f"{signed}.{_part(signature)}"})


def _part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _part(value.to_bytes((value.bit_length() + 7) // 8, "big"))
