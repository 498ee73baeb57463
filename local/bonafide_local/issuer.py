"""The local reviewers: their accounts for the sign-in pages, and access tokens as these pages would issue them.

The emulator has the pool with its keys, checks signature, issuer, expiry and scope of each token as API Gateway does, and has the
sign-in pages, which ask for no second factor. Programs without a browser get tokens from the control API instead.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from bonafide_local.http import HttpAnswer, HttpRequest, json_answer

# The people who review locally. Four eyes need two, and a third one to appeal.
REVIEWERS = ("ann", "bob", "cleo")
# Of all, in the sign-in pages. The policy of the pool asks for such a one.
PASSWORD = "local-Reviewer-1"
SCOPES = "openid review/read review/decide review/operate"
SECONDS = 3600


def install() -> None:
    """Each user pool has the reviewers from its creation."""
    from ministack.services import cognito

    create = cognito._create_user_pool

    def create_with_reviewers(data: dict[str, Any]) -> Any:
        answer = create(data)
        if answer[0] == 200:
            pool = json.loads(answer[2])["UserPool"]["Id"]
            for name in REVIEWERS:
                user = {"UserPoolId": pool, "Username": name}
                _done(cognito._admin_create_user(user | {"MessageAction": "SUPPRESS", "TemporaryPassword": PASSWORD}))
                _done(cognito._admin_set_user_password(user | {"Password": PASSWORD, "Permanent": True}))
                # Cognito chooses the id of a person. Here it is the same in all deployments.
                account = cognito._get_pool_unscoped(pool)["_users"][name]
                account["Attributes"] = cognito._merge_attributes(account["Attributes"], [{"Name": "sub", "Value": _person(name)}])
        return answer

    cognito._create_user_pool = create_with_reviewers


def _done(answer: Any) -> None:
    if answer[0] != 200:
        raise ValueError(f"the local reviewers could not be created: {answer[2]!r}")


def _person(name: str) -> str:
    """The ``sub`` of a reviewer."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.reviewers.example"))


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
        "sub": _person(name),
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
