import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lumihub.data.origins import Origin, OriginError, probe_origin
from lumihub.data.trust import VARIABLE, build_context, build_trust, find_bundle
from lumihub.errors import InputError
from lumihub.settings import Settings
from servers.certificates import make_certificates


class Hello(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        """Nobody reads it."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def url(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.with_name("server.pem"), authority.with_name("server.key"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    server.handle_error = lambda *_: None  # a client that hangs up is no news
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}/atlas"
    server.shutdown()
    server.server_close()


def test_an_authority_that_nobody_named_is_told_from_a_file_that_is_not_there(url, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    state = probe_origin(url)
    assert not state.reachable
    assert state.detail == f"{url} shows a certificate that is not trusted here (see data.caBundle)"
    with pytest.raises(OriginError) as caught, Origin(url).open("a.root", 5) as file:
        file.read(0, 5)
    assert "shows a certificate that is not trusted here" in str(caught.value)
    assert (build_context(), find_bundle()) == (None, None)


def test_an_authority_that_was_named_is_trusted_beside_the_public_ones(url, authority, monkeypatch):
    monkeypatch.setenv(VARIABLE, authority.read_text())
    assert probe_origin(url).reachable
    with Origin(url).open("a.root", 5) as file:
        assert file.read(0, 5) == b"hello"
    public = ssl.create_default_context().get_ca_certs()
    assert len(build_context().get_ca_certs()) == len(public) + 1
    text = Path(find_bundle()).read_text()
    assert text.endswith(authority.read_text())
    assert text.count("-----BEGIN CERTIFICATE") > 50


def test_what_a_process_is_given(authority, tmp_path):
    named = Settings.model_validate({"data": {"caBundle": str(authority)}})
    assert build_trust(named) == {VARIABLE: authority.read_text()}
    assert build_trust(Settings()) == {}
    (tmp_path / "no.pem").write_text("no")
    with pytest.raises(InputError) as caught:
        build_trust(Settings.model_validate({"data": {"caBundle": str(tmp_path / "no.pem")}}))
    assert str(caught.value) == (
        f"error: data.caBundle: {tmp_path}/no.pem is not a PEM file\n  fix: convert it with openssl, or name another"
    )
