from __future__ import annotations

from typing import Any

import pytest
from traitlets.config import Config

from lumihub.hub.providers import build_login, find_login
from lumihub.settings.models.auth import Auth

OAUTH = {"client_id": "id", "existing_secret": "s"}
OIDC = OAUTH | {"authorize_url": "https://a", "token_url": "https://t", "userdata_url": "https://u"}
LTI = {"client_ids": ["x"], "issuer": "i", "authorize_url": "https://a", "jwks_endpoint": "https://j"}
TYPES: dict[str, dict[str, Any]] = {
    "oidc": OIDC,
    "github": OAUTH | {"allowed_organizations": ["school"]},
    "google": OAUTH | {"hosted_domain": ["school.example.org"]},
    "lti13": LTI,
}


def build(kind: str, **changes: Any) -> Auth:
    return Auth.model_validate({"type": kind, "admins": ["mara"], kind: TYPES[kind] | changes})


def test_the_hub_keeps_accounts_itself() -> None:
    assert find_login(Auth()) == ""
    assert build_login(Auth(), "") == {}


@pytest.mark.parametrize("kind", TYPES)
def test_the_authenticator_takes_every_option(kind: str) -> None:
    module, _, name = find_login(build(kind)).rpartition(".")
    login = getattr(__import__(module, fromlist=[name]), name)
    options = build_login(build(kind), "secret")
    [(base, values)] = options.items()
    assert base in {parent.__name__ for parent in login.__mro__}
    authenticator = login(config=Config(options))
    for option, value in values.items():
        assert getattr(authenticator, option) == value
    paths = [route[0] for route in authenticator.get_handlers(None)]
    assert paths[-2:] == [r"/api/lumihub/accounts", r"/api/lumihub/accounts/([^/]+)"]


def test_who_may_come_in() -> None:
    assert build_login(build("oidc"), "")["GenericOAuthenticator"]["allow_all"] is True
    closed = build_login(build("oidc", allow_all=False, allowed_users=["jo"]), "")["GenericOAuthenticator"]
    assert (closed["allow_all"], closed["allowed_users"]) == (False, {"jo"})
    assert build_login(build("github"), "")["GitHubOAuthenticator"]["allowed_organizations"] == {"school"}
    google = build_login(build("google"), "")["GoogleOAuthenticator"]
    assert (google["hosted_domain"], google["allow_all"]) == (["school.example.org"], True)
    some = build_login(build("google", allowed_users=["jo@school.example.org"]), "")["GoogleOAuthenticator"]
    assert some["allow_all"] is False
