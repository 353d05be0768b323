"""Certificates of an institution's own authority, which its https:// origin and its S3 storage may show.

They are trusted beside the public ones. Pods find them in an environment variable, the admin's tool in the settings.
"""

from __future__ import annotations

import atexit
import os
import ssl
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.settings.certificates import load_pem

if TYPE_CHECKING:
    from lumihub.settings import Settings

VARIABLE = "LUMIHUB_CA"
"""Environment variable that holds the certificates themselves, as PEM."""

_BUNDLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
_SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")


def trust_authority(settings: Settings) -> None:
    """Have this process trust what `data.caBundle` names.

    Raises:
        InputError: it can't be read or is not PEM.
    """
    os.environ.update(build_trust(settings))


def build_trust(settings: Settings) -> dict[str, str]:
    """Environment of a process that trusts what `data.caBundle` names; empty where it names nothing.

    Raises:
        InputError: it can't be read or is not PEM.
    """
    path = settings.data.ca_bundle
    return {VARIABLE: load_pem("data.caBundle", path)} if path else {}


def build_context() -> ssl.SSLContext | None:
    """What checks certificates of https://; None where there is no own authority and the usual one will do."""
    text = os.environ.get(VARIABLE)
    return _build_context(text) if text else None


def find_bundle() -> str | None:
    """A file of all authorities, for clients that take no context; None where there is no own one.

    Raises:
        OSError: there is no room for it.
    """
    text = os.environ.get(VARIABLE)
    return _write_bundle(text) if text else None


@cache
def _build_context(text: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=text)
    return context


@cache
def _write_bundle(text: str) -> str:
    import certifi

    named = [Path(os.environ[name]) for name in _BUNDLES if os.environ.get(name)]
    public = next(path for path in (*named, _SYSTEM, Path(certifi.where())) if path.is_file())
    # As long as the process: clients open it again for each connection.
    with tempfile.NamedTemporaryFile("w", suffix=".pem", prefix="lumihub-", delete=False) as file:
        file.write(f"{public.read_text()}\n{text}")
    atexit.register(Path(file.name).unlink, missing_ok=True)
    return file.name
