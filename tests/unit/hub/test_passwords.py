from __future__ import annotations

import re

from lumihub.hub.passwords import generate_password


def test_passwords_are_typed_easily_and_never_twice() -> None:
    made = [generate_password() for _ in range(200)]
    assert len(set(made)) == 200
    assert all(
        re.fullmatch(r"([a-z]{2}){2}-[2-9]([a-z]{2}){2}-([a-z]{2}){2}[2-9][a-z]{2}", password) for password in made
    )
