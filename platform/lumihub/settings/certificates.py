"""Files of certificates and keys that settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

_PEM = "-----BEGIN"


def load_pem(key: str, path: Path) -> str:
    """The text of a PEM file from its first block on.

    Args:
        key: path of the key that names the file.
        path: the file.

    Raises:
        InputError: it can't be read or is not PEM.
    """
    try:
        text = path.read_text("ascii")
    except OSError as error:
        raise InputError(f"{key}: {path} can't be read: {error.strerror}", fix="name the PEM file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{key}: {path} is not a PEM file", fix="convert it with openssl, or name another") from error
    if _PEM not in text:
        raise InputError(f"{key}: {path} is not a PEM file", fix="convert it with openssl, or name another")
    return text[text.index(_PEM) :]
