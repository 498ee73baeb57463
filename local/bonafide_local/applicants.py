"""The local issuer of the access tokens of people in conversations: OpenID Connect with a page to sign in, and tokens for programs.

People sign in with any name, and without a password. On AWS it is the operating company's own.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import time
import uuid
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bonafide_local.http import HttpAnswer, HttpRequest, json_answer

# The one client in which people sign in.
CLIENT = "applicants"
PATH = "/applicants"
SECONDS = 3600
# Pages of other origins may read what is public, and exchange codes.
_CORS = {"access-control-allow-origin": "*"}
_PAGE = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Sign in</title>
<form method="post"><h1>Local sign-in</h1>
<label>Any name <input name="subject" required autofocus></label> <button>Sign in</button></form></html>"""


class Applicants:
    """Serves what is below ``/applicants``. Its keys are new in each process, so that older tokens are refused."""

    def __init__(self, address: str) -> None:
        """``address`` is that of the server, without a path."""
        self.issuer = f"{address}{PATH}"
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key_id = uuid.uuid4().hex
        # Each code: whose it is, and the request that it answers.
        self._codes: dict[str, tuple[str, dict[str, str]]] = {}

    def handle(self, request: HttpRequest) -> HttpAnswer:
        match (request.method, request.path.removeprefix(PATH)):
            case ("GET", "/.well-known/openid-configuration"):
                return self._public(
                    {
                        "issuer": self.issuer,
                        "jwks_uri": f"{self.issuer}/keys",
                        "authorization_endpoint": f"{self.issuer}/authorize",
                        "token_endpoint": f"{self.issuer}/token",
                    }
                )
            case ("GET", "/keys"):
                numbers = self._key.public_key().public_numbers()
                key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self._key_id}
                return self._public({"keys": [{**key, "n": _number(numbers.n), "e": _number(numbers.e)}]})
            case ("GET", "/authorize"):
                return HttpAnswer(200, _PAGE.encode(), "text/html; charset=utf-8")
            case ("POST", "/authorize"):
                return self._authorize(request)
            case ("POST", "/token"):
                return self._exchange(request)
            case ("POST", "/tokens"):
                return self._issue(request)
        known = "GET /.well-known/openid-configuration, GET /keys, GET and POST /authorize, POST /token, POST /tokens"
        return json_answer(404, {"error": f"known: {known}"})

    def _public(self, body: Any, status: int = 200) -> HttpAnswer:
        return HttpAnswer(status, json.dumps(body).encode(), headers=_CORS)

    def _authorize(self, request: HttpRequest) -> HttpAnswer:
        """Send a person who has signed in back to the page, with a code (RFC 6749, RFC 7636)."""
        asked = _form(request.query)
        page = urlsplit(asked.get("redirect_uri", ""))
        is_local = page.scheme == "http" and page.hostname in ("localhost", "127.0.0.1")
        if not is_local or asked.get("client_id") != CLIENT or asked.get("code_challenge_method") != "S256":
            return HttpAnswer(400, html.escape("This page may not sign people in here.").encode(), "text/html; charset=utf-8")
        code = uuid.uuid4().hex
        self._codes[code] = (_form(request.text).get("subject", ""), asked)
        answer = urlencode({"code": code, "state": asked.get("state", "")})
        return HttpAnswer(303, b"", "text/plain", {"location": f"{asked['redirect_uri']}?{answer}"})

    def _exchange(self, request: HttpRequest) -> HttpAnswer:
        """The tokens for a code, which is used once."""
        given = _form(request.text)
        subject, asked = self._codes.pop(given.get("code", ""), ("", {}))
        challenge = _part(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
        is_same = all(given.get(name) == asked.get(name) for name in ("client_id", "redirect_uri"))
        if not subject or not is_same or challenge != asked.get("code_challenge"):
            return self._public({"error": "invalid_grant"}, 400)
        identity = {"aud": CLIENT, **({"nonce": asked["nonce"]} if "nonce" in asked else {})}
        tokens = {"access_token": self._token(subject, {}), "id_token": self._token(subject, identity)}
        return self._public({**tokens, "token_type": "Bearer", "expires_in": SECONDS, "scope": asked.get("scope", "")})

    def _issue(self, request: HttpRequest) -> HttpAnswer:
        """A token for any subject. ``claims`` replaces claims, for tests of tokens that are refused."""
        try:
            asked: dict[str, Any] = json.loads(request.text)
            subject, own = str(asked["subject"]), dict(asked.get("claims", {}))
        except (ValueError, KeyError, TypeError):
            return json_answer(400, {"error": "expected subject"})
        return json_answer(200, {"accessToken": self._token(subject, own)})

    def _token(self, subject: str, own: dict[str, Any]) -> str:
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
        return f"{signed}.{_part(signature)}"


def _form(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}


def _part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _part(value.to_bytes((value.bit_length() + 7) // 8, "big"))
