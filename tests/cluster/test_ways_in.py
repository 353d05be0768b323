"""The ways from a browser to the hub that need something before the cluster: an Ingress, a Gateway, a load balancer.

Traefik and the addresses are real; a Chromium that finds the host name at them logs in and runs a cell.
"""

from __future__ import annotations

import socket
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from browser.chromium import person, running_chromium, telling_traffic
from browser.jupyterlab import JupyterLab, log_in
from cluster.edge import (
    CONTROLLER_ADDRESS,
    HOST,
    NAME,
    PLATFORM_ADDRESS,
    addressed,
    build_gateway,
    controller,
    find_traefik,
    make_certificate,
)
from cluster.installation import NAMESPACE
from cluster.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from cluster.installation import ClusterInstallation
    from cluster.machine.access import Cluster

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.xrootd,
    pytest.mark.opendata,
    pytest.mark.browser,
]

SECRET = "hub-tls"
# A port of the node would be another way in, which nobody needs here.
INSIDE = {"service": {"type": "ClusterIP"}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium(f"--host-resolver-rules=MAP {HOST} {CONTROLLER_ADDRESS}") as chromium:
        yield chromium


@pytest.fixture(scope="module")
def certificate(installed: tuple[ClusterInstallation, object]) -> Iterator[Path]:
    """The certificate that lies in the Secret SECRET, beside the hub and beside the Gateway."""
    one, _ = installed
    with tempfile.TemporaryDirectory() as folder:
        cert, key = make_certificate(Path(folder))
        for namespace in (NAMESPACE, NAME):
            words = ["--namespace", namespace, "create", "secret", "tls", SECRET, f"--cert={cert}", f"--key={key}"]
            one.cluster.kubectl(*words)
        yield cert
    one.cluster.kubectl("--namespace", NAMESPACE, "delete", "secret", SECRET)


@pytest.fixture(scope="module", autouse=True)
def _edge(own: Cluster, definitions: None) -> Iterator[None]:
    program = find_traefik()
    if program is None:
        pytest.skip("traefik is not here: it comes with the environment of the tests on Linux and macOS alone")
    with controller(own, program):
        yield


@pytest.fixture(scope="module")
def password(installed: tuple[ClusterInstallation, object]) -> Iterator[str]:
    one, _ = installed
    yield one.add("edgar")["edgar"]
    one.up("--no-check")
    one.lumihub("users", "remove", "edgar", "--delete-home", "--yes")


def check_student(browser: Browser, url: str, password: str, way: str) -> None:
    """A student opens the address, logs in and runs a cell, by a websocket all the way."""
    with person(browser, ignore_https_errors=True) as context:
        page = context.new_page()
        with telling_traffic(page):
            page.goto(url)
            log_in(page, "edgar", password)
            lab = JupyterLab(page, [])
            lab.wait_until_ready("Welcome: hunting for the Higgs boson")
            assert page.url.startswith(f"{url}user/edgar/")
            cell = lab.notebook.locator(".jp-CodeCell").first
            expect(lab.run_instead(cell, f"'by way of ' + '{way}'")).to_have_text(f"'by way of {way}'")


def bring_way(one: ClusterInstallation, certificate: Path, kind: str) -> str:
    """Have `up` make an object of this kind that leads to the proxy; the address, once the hub answers there."""
    answer = one.up("--no-check")
    assert answer["url"] == f"https://{HOST}/"
    assert f"created {kind} proxy" in answer["changes"]
    until(lambda: is_served(certificate), 60)
    return str(answer["url"])


def is_served(certificate: Path) -> bool:
    """Whether who asks the controller for HOST is shown this certificate, believes it, and gets the hub's page.

    A Gateway shows it as soon as it is made, before any route leads on from there.
    """
    trusting = ssl.create_default_context(cafile=str(certificate))
    try:
        with (
            socket.create_connection((CONTROLLER_ADDRESS, 443), timeout=5) as connection,
            trusting.wrap_socket(connection, server_hostname=HOST) as encrypted,
        ):
            encrypted.sendall(f"GET /hub/login HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            return encrypted.recv(1024).partition(b"\r\n")[0].split()[1:2] == [b"200"]
    except OSError:  # ssl's errors are of that kind
        return False


def is_open(address: str) -> bool:
    """Whether this machine is let in there."""
    try:
        socket.create_connection((address, 80), timeout=2).close()
    except OSError:
        return False
    return True


def test_ingress_leads_a_student_to_a_running_cell_over_https(
    one: ClusterInstallation, browser: Browser, password: str, certificate: Path
) -> None:
    ingress = {
        "enabled": True,
        "ingressClassName": NAME,
        "hosts": [HOST],
        "tls": [{"hosts": [HOST], "secretName": SECRET}],
    }
    with one.changed(ingress=ingress, proxy=INSIDE):
        url = bring_way(one, certificate, "Ingress")
        check_student(browser, url, password, "ingress")
        assert one.status()["url"] == url


def test_route_leads_a_student_through_the_institutions_gateway(
    one: ClusterInstallation, browser: Browser, password: str, certificate: Path
) -> None:
    one.cluster.apply(build_gateway(NAME, SECRET))
    gateway = {"name": "campus", "namespace": NAME, "sectionName": "https"}
    route = {"enabled": True, "hostnames": [HOST], "gateway": gateway}
    with one.changed(httpRoute=route, proxy=INSIDE):
        check_student(browser, bring_way(one, certificate, "HTTPRoute"), password, "gateway")


def test_load_balancer_is_waited_for_and_then_used(one: ClusterInstallation, browser: Browser, password: str) -> None:
    service = {"type": "LoadBalancer", "loadBalancerSourceRanges": [f"{one.cluster.host_address}/32"]}
    with one.changed(proxy={"service": service}):
        said = one.lumihub("up", "--no-check").stderr
        assert "no load balancer has given the service an address yet; until then type: kubectl " in said
        with addressed(one.cluster, NAMESPACE, "proxy-public", PLATFORM_ADDRESS):
            answer = one.up("--no-check")
            assert answer["changes"] == []
            assert answer["url"] == f"http://{PLATFORM_ADDRESS}/"
            check_student(browser, answer["url"], password, "load balancer")
            with one.changed(proxy={"service": {**service, "loadBalancerSourceRanges": ["192.0.2.0/24"]}}):
                one.up("--no-check")
                until(lambda: not is_open(PLATFORM_ADDRESS), 30)
