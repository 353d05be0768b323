"""The hub's side of the gate: whoever the proxy does not let through to a student's server arrives here.

Hub and students' servers have one address, so the pages of a student's server may do in a browser whatever the
visitor's login may. The proxy therefore shows a server only to a browser that carries its owner's key, in a cookie.
The hub gives it to whoever logs in, to an owner who lacks it, and to others with the right to see a server once they
have read what that means.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jupyterhub.app import JupyterHub
from jupyterhub.handlers.base import BaseHandler, PrefixRedirectHandler, UserUrlHandler
from jupyterhub.utils import url_path_join
from tornado import web

from lumihub.hub.configuration import HubConfiguration
from lumihub.hub.server_keys import BROWSER_COOKIE, HTTPS_PREFIX, build_cookie_name, build_key, find_keys

if TYPE_CHECKING:
    from jupyterhub.user import User
    from tornado.httputil import HTTPServerRequest

_KEPT_OUT = "This server does not run, or is not shown to this browser now: open its page anew, then try again."
_TOO_MANY = (
    "Your browser keeps more than one cookie {name} for this address, so nobody can tell whose server it may show."
    " Delete the cookies of this site in your browser's settings, and log in again."
)
_NOT_KEPT = (
    "Your browser did not keep the cookie {name}, without which it is shown no server."
    " Allow this site to keep cookies in your browser's settings, and open the page again."
)
# JupyterHub counts in the address how often it has sent somebody on. Once may stand in a bookmark.
_LOOPING = ("2", "3", "4")


class GatedHub(JupyterHub):
    """JupyterHub behind a proxy that asks for keys."""

    def init_handlers(self) -> None:
        """JupyterHub's pages, with ours where the proxy sends those without a key."""
        super().init_handlers()
        theirs: list[Any] = self.handlers
        self.server_secret = HubConfiguration.current().proxy_token_file.read_text("utf-8").strip()
        replaced = {PrefixRedirectHandler: OutsideHandler, UserUrlHandler: DoorHandler}
        pages = [(path, replaced.get(handler, handler), *rest) for path, handler, *rest in theirs]
        visits = (url_path_join(self.hub_prefix, r"lumihub/visits/([^/]+)"), VisitHandler)
        self.handlers: list[Any] = [visits, *pages]
        give_keys_at_login()


class _Onward(BaseHandler):
    """Sends on what was asked as it was asked, be it to save a file."""

    def redirect(self, url: str, permanent: bool = False, status: int | None = None) -> None:
        """As Tornado's; a browser asks anew with the same method and body."""
        super().redirect(url, permanent, status or (None if self.request.method == "GET" else 307))

    def is_from_jupyterlab(self) -> bool:
        """Whether a page of a student's server asks. No page of another site can send such a token here."""
        return bool(self.get_auth_token() and self.get_cookie(BROWSER_COOKIE))

    def read_keys(self) -> list[str]:
        """The key that came with the request, where one did; of several nobody can tell which is meant."""
        name = cookie_name(self.request)
        keys = find_keys(name, self.request.headers.get_list("Cookie"))
        if len(keys) > 1:
            raise web.HTTPError(400, _TOO_MANY.format(name=name))
        return keys


class OutsideHandler(_Onward, PrefixRedirectHandler):
    """`/user/NAME/...` without NAME's key, or of a server that does not run: pages are sent on, calls are refused."""

    def get(self) -> None:
        """Send a page on to where the hub's own cookies arrive."""
        self.read_keys()
        if self.request.headers.get("Upgrade", "").lower() == "websocket":
            refuse(self)
            return
        super().get()

    def change(self) -> None:
        """Send on what JupyterLab asks; neither a redirect nor a page would tell other programs anything."""
        if self.is_from_jupyterlab():
            super().get()
        else:
            refuse(self)

    post = put = patch = delete = change

    def check_xsrf_cookie(self) -> None:
        """Nothing is done here that another site could wish for."""


class DoorHandler(_Onward, UserUrlHandler):
    """`/hub/user/NAME/...`: looks who is there, and opens or asks first."""

    async def change(self, user_name: str, user_path: str) -> None:
        """Let JupyterLab, whose page was open before its browser had a key, go on as if nothing had been."""
        if self.is_from_jupyterlab():
            await self.get(user_name, user_path)
        else:
            self.non_get(user_name, user_path)

    post = put = patch = delete = change

    async def _redirect_to_user_server(self, user: User, spawner: Any) -> None:
        keys = self.read_keys()
        if keys == [key_of(self, user)] or (self.get_auth_token() and not self.is_from_jupyterlab()):
            # The proxy lets them through; it only did not know this server yet.
            await super()._redirect_to_user_server(user, spawner)
        elif user.name != self.current_user.name:
            await self._ask_first(user)
        elif keys and not wants_page(self.request):
            # A page of theirs that is open elsewhere asks for news while they look at another's server.
            refuse(self)
        else:
            await self._open_own(user, spawner)

    async def _open_own(self, user: User, spawner: Any) -> None:
        if self.get_argument("redirects", "") in _LOOPING:
            raise web.HTTPError(400, _NOT_KEPT.format(name=cookie_name(self.request)))
        give_key(self, user)
        await super()._redirect_to_user_server(user, spawner)

    async def _ask_first(self, owner: User) -> None:
        if not wants_page(self.request):
            refuse(self)
            return
        self.set_status(403)
        path = self.request.uri.removeprefix(self.hub.base_url)
        action = url_path_join(self.hub.base_url, "lumihub/visits", owner.escaped_name)
        names = {"owner": owner.name, "action": action, "next_url": f"{self.base_url}{path}"}
        self.finish(await self.render_template("visit.html", **names))


class VisitHandler(BaseHandler):
    """`POST /hub/lumihub/visits/NAME`: show this browser NAME's server, from a button of the hub's own page."""

    @web.authenticated
    def post(self, name: str) -> None:
        """Give the key of a server that the visitor has the right to see.

        Raises:
            tornado.web.HTTPError: there is no such server, or no such right.
        """
        owner = self.find_user(name)
        servers = ["", *owner.orm_user.orm_spawners] if owner else []
        if not any(self.has_scope(f"access:servers!server={name}/{server}") for server in servers):
            raise web.HTTPError(404, "No access to resources or resources not found")
        give_key(self, owner)
        wanted = self._validate_next_url(self.get_argument("next", ""))
        self.log.info("%s looks at the server of %s", self.current_user.name, owner.name)
        self.redirect(wanted if wanted.startswith(owner.url) else owner.url)


def give_keys_at_login() -> None:
    """Let each login bring the key and each logout take it away, and what pages left in the browser with it.

    Every way to log in, be it a password, a provider or a course, ends in these two methods of JupyterHub's, which
    calls no hook there. Left to the first visit, the key of who used this browser before would stay until then.
    """
    log_in, log_out = BaseHandler.set_login_cookie, BaseHandler.clear_login_cookie

    def set_login_cookie(self: BaseHandler, user: User) -> None:
        log_in(self, user)
        give_key(self, user)
        forget_pages(self)

    def clear_login_cookie(self: BaseHandler, name: str | None = None) -> None:
        log_out(self, name)
        self.clear_cookie(cookie_name(self.request), path="/")
        forget_pages(self)

    BaseHandler.set_login_cookie, BaseHandler.clear_login_cookie = set_login_cookie, clear_login_cookie


def give_key(handler: BaseHandler, owner: User) -> None:
    """Let the browser be shown this owner's servers, and no others."""
    name = cookie_name(handler.request)
    secure = {"secure": True} if name.startswith(HTTPS_PREFIX) else {}
    handler.set_cookie(name, key_of(handler, owner), path="/", httponly=True, samesite="Lax", **secure)


def forget_pages(handler: BaseHandler) -> None:
    """Let the browser throw away what pages of this address keep in it, from storage to service workers.

    Who comes next to this browser gets nothing of what pages of another's server left. Cookies stay, and so does the
    work, which is on the server. Browsers heed it by https, and from this machine itself.
    """
    handler.set_header("Clear-Site-Data", '"storage"')


def key_of(handler: BaseHandler, owner: User) -> str:
    """The key of this owner's servers."""
    return build_key(handler.app.server_secret, owner.name)


def cookie_name(request: HTTPServerRequest) -> str:
    """The name under which this browser keeps the key."""
    # What the browser spoke. Tornado believes the proxy next to it, which may have been spoken to by another one.
    first = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    return build_cookie_name(first or request.protocol)


def wants_page(request: HTTPServerRequest) -> bool:
    """Whether somebody sits before a browser and waits for a page; what scripts of pages ask for is none."""
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")


def refuse(handler: BaseHandler) -> None:
    """Answer a program."""
    handler.set_status(403)
    handler.set_header("Content-Type", "application/json")
    handler.finish(json.dumps({"message": _KEPT_OUT}))
