"""Which user names there may be, and how they are written where Kubernetes names things."""

from __future__ import annotations

import hashlib
import re

NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
NAME_RULE = "1 to 64 of a-z, 0-9 and . _ @ - with a letter or digit first"

# With KubeSpawner's `jupyter-` before it, a name of Kubernetes' (63 characters at most), and no double hyphen in it.
_PLAIN = re.compile(r"(?!.*--)[a-z]([a-z0-9-]{0,46}[a-z0-9])?")
_WORDS, _DIGITS = 20, 24


def build_slug(user: str, server: str = "") -> str:
    """A user's name, or that of one of the user's named servers, as a part of an object's name: 48 characters at most.

    Names that Kubernetes takes stay as they are. Others keep their first words and get 96 bits of a hash: nobody finds
    another name with the same ones.
    """
    name = f"{user}/{server}" if server else user
    if _PLAIN.fullmatch(name):
        return name
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_WORDS].strip("-")
    return f"{words or 'x'}---{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}"
