import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml

from lumihub.errors import InputError, LumiHubError
from lumihub.kubernetes.access import connect
from lumihub.kubernetes.kubeconfig import build_client, check_context, find_paths, load_contexts
from lumihub.process import find_program


def write_kubeconfig(path: Path, *contexts: str, server: str = "https://127.0.0.1:1") -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "one", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": "t"}}],
        "contexts": [{"name": name, "context": {"cluster": "one", "user": "me"}} for name in contexts],
    }
    path.write_text(yaml.safe_dump(content))
    return path


def test_contexts_of_several_files_are_found_in_order(tmp_path, monkeypatch):
    first = write_kubeconfig(tmp_path / "first", "campus", "k3s")
    second = write_kubeconfig(tmp_path / "second", "k3s", "cloud")
    monkeypatch.setenv("KUBECONFIG", f"{first}:{tmp_path / 'missing'}:{second}")
    assert find_paths() == [first, second]
    assert load_contexts(find_paths()) == ("campus", "k3s", "cloud")


def test_missing_context_names_those_that_exist_and_the_nearest(tmp_path):
    path = write_kubeconfig(tmp_path / "config", "campus", "k3s")
    with pytest.raises(InputError) as caught:
        check_context("campsu", [path], load_contexts([path]))
    assert str(caught.value) == (
        "error: kubernetes.context: there is no context campsu\n"
        f"  in {path}\n"
        "  did you mean campus?\n"
        "  fix: name one of campus, k3s (kubectl config get-contexts)"
    )


def test_no_kubeconfig_says_where_it_was_looked_for(monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "/nowhere/config")
    with pytest.raises(InputError) as caught:
        build_client("campus")
    assert str(caught.value) == (
        "error: kubernetes.context is campus, and there is no kubeconfig\n"
        "  in /nowhere/config\n"
        "  fix: set KUBECONFIG to the file that whoever runs the cluster gave you"
    )


@pytest.mark.parametrize("text", ["contexts: 3", "a: [", "contexts: [{}]", "- 1"])
def test_broken_kubeconfig_is_named(tmp_path, text):
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_contexts([path])
    assert f"error: the kubeconfig can't be read\n  in {path}\n" in str(caught.value)


def test_api_server_that_refuses_connections_is_named_with_what_to_type(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(tmp_path / "config", "campus")))
    with pytest.raises(LumiHubError) as caught:
        connect("campus").version()
    assert str(caught.value) == (
        "error: the API server of campus does not answer: it refuses connections\n"
        "  in https://127.0.0.1:1\n"
        "  fix: check the network or VPN until this answers: kubectl --context campus get nodes"
    )


def test_certificate_file_that_is_gone_is_named(tmp_path, monkeypatch):
    path = write_kubeconfig(tmp_path / "config", "campus")
    content = yaml.safe_load(path.read_text())
    content["clusters"][0]["cluster"]["certificate-authority"] = "/nowhere/ca.crt"
    path.write_text(yaml.safe_dump(content))
    monkeypatch.setenv("KUBECONFIG", str(path))
    with pytest.raises(InputError) as caught:
        build_client("campus")
    assert "/nowhere/ca.crt" in str(caught.value)
    assert str(caught.value).endswith("fix: mend it until this answers: kubectl --context campus get nodes")


@contextmanager
def serving_tls(folder: Path) -> Iterator[int]:
    """The port of a server on loopback whose certificate nobody signed."""
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=elsewhere", "-days", "1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(["openssl", *words, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        context.wrap_socket(connection, server_side=True).close()

        serving = threading.Thread(target=serve)
        serving.start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        serving.join()


@pytest.mark.skipif(find_program("openssl") is None, reason="makes a certificate with openssl")
def test_certificate_that_nobody_signed_is_not_trusted(tmp_path, monkeypatch):
    with serving_tls(tmp_path) as port:
        server = f"https://127.0.0.1:{port}"
        monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(tmp_path / "config", "campus", server=server)))
        with pytest.raises(LumiHubError) as caught:
            connect("campus").version()
    assert str(caught.value) == (
        "error: the certificate of the API server is not trusted: self-signed certificate\n"
        f"  in {server}\n"
        "  fix: get a fresh kubeconfig for the context campus from whoever runs the cluster"
    )
