import hashlib
import hmac

import pytest

from lumihub.hub.server_keys import build_cookie_name, build_key, find_keys


def test_a_key_is_of_one_user_and_one_secret():
    key = build_key("of the proxy", "anna@école.org")
    wanted = hmac.new(b"of the proxy", b"lumihub-server:anna@\xc3\xa9cole.org", hashlib.sha256).hexdigest()
    assert key == wanted
    assert len({key, build_key("of the proxy", "anna"), build_key("another", "anna@école.org")}) == 3


@pytest.mark.parametrize(
    ("scheme", "name"),
    [
        ("http", "lumihub-server"),
        ("ws", "lumihub-server"),
        ("https", "__Host-lumihub-server"),
        ("wss", "__Host-lumihub-server"),
    ],
)
def test_from_https_the_cookie_has_a_name_that_other_hosts_and_ports_can_not_set(scheme, name):
    assert build_cookie_name(scheme) == name


@pytest.mark.parametrize(
    ("lines", "keys"),
    [
        ([], []),
        (["a=b; lumihub-server=k; c=d"], ["k"]),
        (["lumihub-server=k;lumihub-server=l"], ["k", "l"]),
        (["lumihub-server=k", "a=b;  lumihub-server=l"], ["k", "l"]),
        (["xlumihub-server=k; __Host-lumihub-server=k; lumihub-server; a=lumihub-server=k"], [""]),
        (["lumihub-server=a=b"], ["a=b"]),
    ],
)
def test_all_cookies_of_the_name_are_found_and_no_others(lines, keys):
    assert find_keys("lumihub-server", lines) == keys
