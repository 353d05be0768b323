"""The options of an authenticator whose accounts live elsewhere. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lumihub.settings.models.auth import Auth, GitHub, Google, Lti13, OAuth, Oidc

_LOGINS = {"oidc": "OidcLogin", "github": "GitHubLogin", "google": "GoogleLogin", "lti13": "Lti13Login"}


def find_login(auth: Auth) -> str:
    """The class that lets people in; empty where the hub keeps accounts itself."""
    name = _LOGINS.get(auth.type)
    return f"lumihub.hub.logins.{name}" if name else ""


def build_login(auth: Auth, client_secret: str) -> dict[str, dict[str, Any]]:
    """Options by class and name.

    Args:
        auth: the settings.
        client_secret: what the provider gave, wherever it lies.
    """
    match auth.type:
        case "oidc":
            return {"GenericOAuthenticator": _build_oidc(auth.oidc, client_secret)}
        case "github":
            return {"GitHubOAuthenticator": _build_github(auth.github, client_secret)}
        case "google":
            return {"GoogleOAuthenticator": _build_google(auth.google, client_secret)}
        case "lti13":
            return {"LTI13Authenticator": _build_lti13(auth.lti13)}
        case _:
            return {}


def _build_oauth(section: OAuth, client_secret: str) -> dict[str, Any]:
    options: dict[str, Any] = {"client_id": section.client_id, "client_secret": client_secret}
    if section.callback_url:
        options["oauth_callback_url"] = section.callback_url
    if section.allowed_users:
        options["allowed_users"] = set(section.allowed_users)
    return options


def _build_oidc(section: Oidc, client_secret: str) -> dict[str, Any]:
    return _build_oauth(section, client_secret) | {
        "allow_all": section.allow_all,
        "authorize_url": section.authorize_url,
        "token_url": section.token_url,
        "userdata_url": section.userdata_url,
        "username_claim": section.username_claim,
        "scope": list(section.scope),
        "login_service": section.login_service,
        # A stolen code is worth nothing without what the hub kept.
        "enable_pkce": True,
    }


def _build_github(section: GitHub, client_secret: str) -> dict[str, Any]:
    options = _build_oauth(section, client_secret)
    if section.allowed_organizations:
        # Membership that is not public shows to this scope alone.
        options |= {"allowed_organizations": set(section.allowed_organizations), "scope": ["read:org"]}
    return options


def _build_google(section: Google, client_secret: str) -> dict[str, Any]:
    options = _build_oauth(section, client_secret)
    if section.hosted_domain:
        options["hosted_domain"] = list(section.hosted_domain)
        # Whole addresses: two domains may have the same names, and admins are named by address.
        options |= {"strip_domain": False, "allow_all": not section.allowed_users}
    return options


def _build_lti13(section: Lti13) -> dict[str, Any]:
    return {
        "client_id": set(section.client_ids),
        "issuer": section.issuer,
        "authorize_url": section.authorize_url,
        "jwks_endpoint": section.jwks_endpoint,
        "username_key": section.username_key,
        # Who comes from the platform is in the course: the platform decides.
        "allow_all": True,
    }
