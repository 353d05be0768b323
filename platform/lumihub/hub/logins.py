"""Logging in with an account elsewhere: JupyterHub's own authenticators, with our accounts API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ltiauthenticator.lti13.auth import LTI13Authenticator
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.github import GitHubOAuthenticator
from oauthenticator.google import GoogleOAuthenticator

from lumihub.hub.visitors import VisitorHandler, VisitorsHandler

if TYPE_CHECKING:
    from jupyterhub.handlers import BaseHandler


class Elsewhere:
    """Adds the accounts API to an authenticator."""

    starts_elsewhere = False
    """Whether people begin at the other service, so that the login page has nothing to click."""

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """The authenticator's own pages and the API."""
        theirs = super().get_handlers(app)  # type: ignore[misc]
        return [
            *theirs,
            (r"/api/lumihub/accounts", VisitorsHandler),
            (r"/api/lumihub/accounts/([^/]+)", VisitorHandler),
        ]


class OidcLogin(Elsewhere, GenericOAuthenticator):
    """By OpenID Connect."""


class GitHubLogin(Elsewhere, GitHubOAuthenticator):
    """By GitHub."""


class GoogleLogin(Elsewhere, GoogleOAuthenticator):
    """By Google."""


class Lti13Login(Elsewhere, LTI13Authenticator):
    """By LTI 1.3, from a course of a learning platform."""

    login_service = "your learning platform"
    starts_elsewhere = True
