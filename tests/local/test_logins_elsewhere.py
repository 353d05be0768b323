"""A real hub whose people log in elsewhere: what the command line can do with it, and what it says it can't."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

import lumihub.hub
from lumihub.backend import Access
from lumihub.errors import InputError
from lumihub.hub.client import HubClient
from lumihub.hub.configuration import VARIABLE, HubConfiguration
from lumihub.hub.providers import build_login, find_login
from lumihub.hub.server_keys import COOKIE, build_key
from lumihub.settings import Settings
from lumihub.settings.models.auth import Auth
from lumihub.settings.models.kubernetes import Kubernetes
from servers.oidc import CLIENT, SECRET, Provider
from servers.ports import find_free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

LTI = Auth.model_validate(
    {
        "type": "lti13",
        "admins": ["2"],
        "lti13": {
            "client_ids": ["x"],
            "issuer": "http://127.0.0.1:9",
            "authorize_url": "http://127.0.0.1:9/authorize",
            "jwks_endpoint": "http://127.0.0.1:9/keys",
        },
    }
)
HUB = "from lumihub.hub.gate import GatedHub; GatedHub.launch_instance()"
THERE = {"jo@example.org": False, "mara@example.org": True}
REFUSED = (
    "people log in with the school, which knows their passwords; who may come in is set by auth in the values file"
)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as server:
        yield server


@pytest.fixture(scope="module")
def client(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubClient]:
    """Of a hub that lets mara and jo in, by the addresses that the provider knows them by."""
    auth = Auth.model_validate(
        {
            "type": "oidc",
            "admins": ["mara@example.org"],
            "oidc": {
                "client_id": CLIENT,
                "client_secret": SECRET,
                "authorize_url": f"{provider.url}/authorize",
                "token_url": f"{provider.url}/token",
                "userdata_url": f"{provider.url}/userinfo",
                "username_claim": "email",
                "login_service": "the school",
                "allow_all": False,
                "allowed_users": ["jo@example.org"],
            },
        }
    )
    with running(tmp_path_factory.mktemp("hub"), auth) as access:
        yield HubClient(access)


@contextmanager
def running(folder: Path, auth: Auth) -> Iterator[Access]:
    url = f"http://127.0.0.1:{find_free_port()}/"
    token = folder / "token"
    token.write_text("the-tool")
    configuration = HubConfiguration.from_settings(
        Settings(auth=auth, kubernetes=Kubernetes(context="any")),
        login=find_login(auth),
        tool_token_file=token,
        proxy_token_file=token,
        command=[sys.executable, "-m", "lumihub.lab"],
        classes={
            "JupyterHub": {
                "bind_url": url,
                "hub_bind_url": f"http://127.0.0.1:{find_free_port()}",
                "proxy_class": "jupyterhub_traefik_proxy.fileprovider.TraefikFileProviderProxy",
                "spawner_class": "jupyterhub.spawner.SimpleLocalProcessSpawner",
            },
            "TraefikFileProviderProxy": {"traefik_api_url": f"http://127.0.0.1:{find_free_port()}"},
            **build_login(auth, SECRET),
        },
    )
    path = folder / "configuration.json"
    path.write_text(configuration.model_dump_json())
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", HUB, "-f", Path(str(lumihub.hub.__file__)).parent / "jupyterhub_config.py"],
            cwd=folder,
            env={**os.environ, VARIABLE: str(path), "PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            access = Access(url, "the-tool")
            deadline = time.monotonic() + 90
            while HubClient(access, timeout=5).version() is None:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.3)
            yield access
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # the proxy too, which outlives a hub on purpose
            process.wait(30)


def names(client: HubClient) -> dict[str, bool]:
    return {account["name"]: account["admin"] for account in client.accounts()}


def test_accounts_are_those_who_came(client: HubClient) -> None:
    assert names(client) == THERE


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.add([("jo", "secret-enough")]),
        lambda client: client.change("mara@example.org", password="secret-enough"),
        lambda client: client.change("mara@example.org", approved=True),
    ],
    ids=["add", "password", "approve"],
)
def test_passwords_and_approval_are_refused(client: HubClient, call: object) -> None:
    with pytest.raises(InputError) as caught:
        call(client)  # type: ignore[operator]
    assert caught.value.faults[0].what == REFUSED


def test_a_check_comes_in_with_a_token_and_goes(client: HubClient) -> None:
    answer = client.begin("lumihub-check-1", "not-used-here")
    assert answer["created"] is True
    request = urllib.request.Request(f"{client._access.url}hub/api/user")
    request.add_header("Authorization", f"token {answer['token']}")
    with urllib.request.urlopen(request, timeout=10) as response:
        found = json.load(response)
    assert (found["name"], found["admin"]) == ("lumihub-check-1", False)
    client.remove("lumihub-check-1", delete_home=True)
    assert names(client) == THERE


def test_nobody_gets_a_token_of_an_account_that_was_there(client: HubClient) -> None:
    assert client.begin("mara@example.org", "") == {"created": False, "token": ""}


def test_who_is_not_there_and_who_rules(client: HubClient) -> None:
    with pytest.raises(InputError, match="there is no account nobody"):
        client.remove("nobody", delete_home=False)
    with pytest.raises(InputError, match=r"take the name out of auth\.admins first"):
        client.remove("mara@example.org", delete_home=False)
    with pytest.raises(InputError, match="is not a user name"):
        client.begin("No Name", "")


def test_the_login_page_leads_to_the_provider(client: HubClient) -> None:
    page = open_login_page(client._access.url)
    assert re.search(r'href="/hub/oauth_login[^"]*">Log in with the school</a>', page)
    assert "password" not in page


def test_a_course_is_where_people_begin(tmp_path: Path) -> None:
    with running(tmp_path, LTI) as access:
        page = open_login_page(access.url)
    assert "Open this page from your course in your learning platform: that logs you in." in page
    assert "password" not in page


@pytest.mark.parametrize(("name", "admin"), [("jo@example.org", False), ("mara@example.org", True)])
def test_who_is_known_at_the_provider_comes_in(client: HubClient, provider: Provider, name: str, admin: bool) -> None:
    provider.person = {"email": name, "preferred_username": "somebody"}
    with requests.Session() as browser:
        answer = log_in(browser, client._access.url)
        assert answer.status_code == requests.codes.ok
        user = browser.get(f"{client._access.url}hub/api/user", headers={"Referer": answer.url}, timeout=10).json()
        assert browser.cookies[COOKIE] == build_key("the-tool", name)
        browser.get(f"{client._access.url}hub/logout", timeout=10)
        assert browser.cookies.get(COOKIE) is None
    assert (user["name"], user["admin"]) == (name, admin)


def test_who_is_not_on_the_list_stays_outside(client: HubClient, provider: Provider) -> None:
    provider.person = {"email": "stranger@example.org"}
    with requests.Session() as browser:
        assert log_in(browser, client._access.url).status_code == requests.codes.forbidden
    assert names(client) == THERE


def log_in(browser: requests.Session, url: str) -> requests.Response:
    """Click where the login page says, and follow wherever that leads."""
    return browser.get(f"{url}hub/oauth_login?next=%2Fhub%2Fhome", timeout=10)


def open_login_page(url: str) -> str:
    with urllib.request.urlopen(f"{url}hub/login", timeout=10) as response:
        page: str = response.read().decode()
    return page
