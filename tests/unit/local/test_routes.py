import re

import pytest

from lumihub.hub.server_keys import build_key
from lumihub.local.routes import build_condition

KEY, OTHER = (build_key("of the proxy", name) for name in ("anna", "ben"))


@pytest.mark.parametrize(
    ("cookies", "passes"),
    [
        (f"lumihub-server={KEY}", True),
        (f"a=b;lumihub-server={KEY};c=d", True),
        (f"lumihub-server={OTHER}", False),
        (f"lumihub-server={KEY}0", False),
        (f"xlumihub-server={KEY}", False),
        (f"lumihub-server={KEY}; lumihub-server={KEY}", False),
        (f"a=lumihub-server={KEY}", False),
    ],
)
def test_the_key_must_be_in_the_only_cookie_of_its_name(cookies, passes):
    condition = build_condition("lumihub-server", KEY)
    one, more, browser = re.findall(r"HeaderRegexp\(`Cookie`, `([^`]*)`\)", condition)
    token = r"HeaderRegexp(`Authorization`, `(?i)^(token|bearer)\s+\S`)"
    assert condition == (
        f"( HeaderRegexp(`Cookie`, `{one}`) && !HeaderRegexp(`Cookie`, `{more}`) )"
        f" || ( {token} && !HeaderRegexp(`Cookie`, `{browser}`) )"
    )
    assert re.search(browser, "a=b; jupyterhub-session-id=x")
    assert not re.search(browser, cookies)
    assert (bool(re.search(one, cookies)) and not re.search(more, cookies)) is passes


@pytest.mark.parametrize(
    ("header", "passes"),
    [("token x", True), ("Bearer x", True), ("Basic eDp5", False), ("xtoken y", False), ("token", False)],
)
def test_a_token_is_enough(header, passes):
    (pattern,) = re.findall(r"HeaderRegexp\(`Authorization`, `([^`]*)`\)", build_condition("lumihub-server", KEY))
    assert bool(re.search(pattern, header)) is passes
