"""The command line's side of the hub's API."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from lumihub.errors import InputError, LumiHubError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lumihub.backend import Access

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# What a proxy says, and not as JSON, that was started anew and does not know the way yet, or whose hub is gone.
_ASTRAY = (404, 502, 503, 504)
# Each account costs a quarter of a second of hashing, on purpose.
BATCH = 8


class HubClient:
    """Talks to a running hub with the rights of the command line.

    Args:
        access: its address and our token.
        timeout: seconds until a request is given up.
    """

    def __init__(self, access: Access, timeout: float = 60) -> None:
        self._access = access
        self._timeout = timeout
        context = ssl.create_default_context()
        handlers: list[urllib.request.BaseHandler] = []
        if urlsplit(access.url).hostname in _LOOPBACK:
            # This machine itself: its certificate is made out to its public name, and no proxy knows the way.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            handlers.append(urllib.request.ProxyHandler({}))
        handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def version(self) -> str | None:
        """JupyterHub's version as the hub tells it through the proxy; None while it does not answer."""
        try:
            answer = self._request("GET", "")
        except LumiHubError:
            return None
        return str(answer["version"]) if isinstance(answer, dict) and "version" in answer else None

    def accounts(self) -> list[dict[str, Any]]:
        """All accounts: name, admin, approved, running, created, lastActivity."""
        answer: list[dict[str, Any]] = self._request("GET", "lumihub/accounts")
        return answer

    def add(self, accounts: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
        """Make accounts from (name, password); those that exist stay as they are: `[{name, created}]`."""
        body = [{"name": name, "password": password} for name, password in accounts]
        answer: list[dict[str, Any]] = self._request("POST", "lumihub/accounts", body)
        return answer

    def begin(self, name: str, password: str) -> dict[str, Any]:
        """Make an account for a check: `{created, token}`.

        The token is what lets the check in where people log in elsewhere; it is empty where the password does.
        """
        answer: dict[str, Any] = self._request(
            "POST", f"lumihub/accounts/{quote(name, safe='')}", {"password": password}
        )
        return answer

    def change(self, name: str, **changes: Any) -> None:
        """Set `password=` or `approved=` of an account."""
        self._request("PATCH", f"lumihub/accounts/{quote(name, safe='')}", changes)

    def remove(self, name: str, *, delete_home: bool) -> None:
        """Stop the student's server and remove the account."""
        home = "?home=delete" if delete_home else ""
        self._request("DELETE", f"lumihub/accounts/{quote(name, safe='')}{home}")

    def _request(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self._access.url}hub/api/{path}"
        request = urllib.request.Request(url, method=method)  # noqa: S310  (http or https, by Access)
        request.add_header("Authorization", f"token {self._access.api_token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                content = response.read()
        except urllib.error.HTTPError as error:
            raise _explain(error, url) from error
        except (OSError, http.client.HTTPException) as error:
            raise LumiHubError(
                f"the hub does not answer: {getattr(error, 'reason', error)}", where=url, fix="./deploy.py up"
            ) from error
        try:
            return json.loads(content) if content else None
        except ValueError as error:
            raise LumiHubError("the answer is not a hub's", where=url, fix="./deploy.py status") from error


def _explain(error: urllib.error.HTTPError, url: str) -> LumiHubError:
    try:
        message = json.loads(error.read())["message"]
    except (ValueError, KeyError, TypeError):
        message = error.reason
        if error.code in _ASTRAY:
            return LumiHubError(
                f"the hub does not answer: the proxy does not reach it ({error.code} {message})",
                where=url,
                fix="./deploy.py status says when it runs; after a restart that takes some seconds",
            )
    if error.code in (400, 404) and "lumihub" in url:
        return InputError(str(message), where=url)
    return LumiHubError(f"the hub answered {error.code}: {message}", where=url, fix="./deploy.py logs hub")
