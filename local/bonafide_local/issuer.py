"""Access tokens for local reviewers, as the sign-in pages of their user pool would issue them.

The emulator has the pool with its keys, and checks signature, issuer, expiry and scope of each token as API Gateway does. Only the
sign-in is replaced, which needs a browser, a password and a second factor.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from bonafide_local.http import HttpAnswer, HttpRequest, json_answer

# The people who review locally. Four eyes need two.
REVIEWERS = ("ann", "bob")
SCOPES = "openid review/read review/decide"
SECONDS = 3600


def issue(request: HttpRequest) -> HttpAnswer:
    """``POST /tokens``: a token for one of the reviewers. ``claims`` replaces claims, for tests of tokens that are refused."""
    from ministack.services import cognito

    try:
        asked: dict[str, Any] = json.loads(request.text)
        pool, client, name = asked["userPoolId"], asked["clientId"], asked["reviewer"]
        own = dict(asked.get("claims", {}))
    except (ValueError, KeyError, TypeError):
        return json_answer(400, {"error": "expected userPoolId, clientId and reviewer"})
    if name not in REVIEWERS:
        return json_answer(404, {"error": f"no such reviewer; there are {', '.join(REVIEWERS)}"})
    if cognito._get_pool_unscoped(pool) is None:
        return json_answer(404, {"error": "no such user pool"})
    now = int(time.time())
    claims = {
        # The same in every deployment, so that a person is one person after a restart.
        "sub": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.reviewers.example")),
        "iss": f"https://cognito-idp.{cognito._pool_region(pool)}.amazonaws.com/{pool}",
        "client_id": client,
        "token_use": "access",
        "scope": SCOPES,
        "auth_time": now,
        "iat": now,
        "exp": now + SECONDS,
        "jti": str(uuid.uuid4()),
        "username": name,
    } | own
    token = cognito._signed_jwt(claims, pool, "access")
    return json_answer(200, {"accessToken": token, "sub": claims["sub"], "expiresIn": claims["exp"] - now})
