import pytest

from lumihub.local.advice import build_advice
from lumihub.settings.models.proxy import Certificate, Https, Proxy

COOKIES = (
    "a browser gives the hub's cookies to whatever listens on any port of this machine, be it a student's program:"
    " let a firewall pass port 8000 alone, or set proxy.https"
)


def test_an_installation_without_faults_gets_none(tmp_path):
    https = Https(enabled=True, manual=Certificate(cert=tmp_path / "cert.pem", key=tmp_path / "key.pem"))
    assert build_advice(Proxy(https=https), separate_accounts=True, limits_enforced=True) == []


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        ("0.0.0.0", [COOKIES]),
        ("192.0.2.7", [COOKIES]),
        ("hub.example.org", [COOKIES]),
        ("127.0.0.1", []),
        ("::1", []),
        ("localhost", []),
    ],
)
def test_without_https_other_ports_share_the_cookies(address, advice):
    assert build_advice(Proxy(address=address, port=8000), separate_accounts=True, limits_enforced=True) == advice


def test_what_an_ordinary_user_and_a_system_without_control_groups_lack():
    first, second = build_advice(Proxy(address="127.0.0.1"), separate_accounts=False, limits_enforced=False)
    assert first.startswith("students share one account of this machine")
    assert second == "limits of memory and processors are not enforced: there are no control groups that we may use"
