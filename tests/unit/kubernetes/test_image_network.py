import subprocess
from pathlib import Path

import pytest

from lumihub.errors import InputError
from lumihub.kubernetes.image_network import build_network, find_certificates, write_secrets

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def source(text, *names):
    """What a step of a build has after reading the secret."""
    show = "; ".join(f'printf "%s\\n" "${{{name}-}}"' for name in names)
    script = f"set -eu; {text}\n{show}"
    return subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=True, env={}
    ).stdout.splitlines()


def test_nothing_is_said_where_nothing_is_set():
    assert build_network({"HOME": "/root", "LANG": "C"}, None) == ""


def test_a_proxy_is_set_in_both_spellings():
    text = build_network({"HTTPS_PROXY": "http://p:3128", "no_proxy": "localhost,.school"}, None)
    assert source(text, "https_proxy", "HTTPS_PROXY", "NO_PROXY", "http_proxy") == [
        "http://p:3128", "http://p:3128", "localhost,.school", "",
    ]  # fmt: skip


def test_one_index_serves_pip_and_uv_and_a_password_in_it_survives_the_shell():
    address = "https://u:p$w'd x@mirror/simple"
    text = build_network({"PIP_INDEX_URL": address, "npm_config_registry": "https://npm/"}, None)
    assert source(text, "UV_DEFAULT_INDEX", "PIP_INDEX_URL", "NPM_CONFIG_REGISTRY") == [
        address, address, "https://npm/",
    ]  # fmt: skip


def test_certificates_are_named_where_the_builder_puts_them():
    text = build_network({}, Path("/etc/school.pem"))
    script = f'{text}cat "$APT_CONFIG"'
    assert source(script, "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "PIP_CERT") == [
        'Acquire::https::CaInfo "/run/secrets/ca";', *["/run/secrets/ca"] * 3,
    ]  # fmt: skip


def test_the_certificates_named_win_over_the_environments(tmp_path):
    for name in ("a.pem", "b.pem"):
        (tmp_path / name).write_text(PEM)
    variables = {"SSL_CERT_FILE": str(tmp_path / "a.pem")}
    assert find_certificates(variables, None) == tmp_path / "a.pem"
    assert find_certificates(variables, tmp_path / "b.pem") == tmp_path / "b.pem"
    assert find_certificates({}, None) is None


def test_certificates_that_are_none(tmp_path):
    with pytest.raises(InputError) as caught:
        find_certificates({"PIP_CERT": str(tmp_path / "gone.pem")}, None)
    assert str(caught.value) == (
        f"error: the file of certificates {tmp_path / 'gone.pem'} cannot be read: No such file or directory\n"
        "  fix: name the file with --ca, or correct SSL_CERT_FILE"
    )
    (tmp_path / "der.crt").write_bytes(b"\x30\x82")
    with pytest.raises(InputError) as caught:
        find_certificates({}, tmp_path / "der.crt")
    assert str(caught.value) == (
        f"error: {tmp_path / 'der.crt'} holds no certificate in PEM form\n"
        "  fix: name a file with -----BEGIN CERTIFICATE-----"
    )


def test_secrets_are_files_that_nobody_else_reads(tmp_path):
    (tmp_path / "ca.pem").write_text(PEM)
    (tmp_path / "link.pem").symlink_to("ca.pem")
    (tmp_path / "secrets").mkdir()
    found = write_secrets(tmp_path / "secrets", {"HTTP_PROXY": "http://u:p@proxy"}, tmp_path / "link.pem")
    assert set(found) == {"network", "ca"}
    assert found["network"].stat().st_mode & 0o777 == 0o600
    assert found["ca"].read_text() == PEM
    assert not found["ca"].is_symlink()
    assert write_secrets(tmp_path, {}, None) == {}
