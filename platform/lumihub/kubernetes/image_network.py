"""What a build needs to reach the internet from where it runs: handed over as secrets, so that no image keeps it.

A package index may have a password in its address, and build arguments stay readable in an image's history.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from lumihub.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

# As `deploy.py` itself takes them from its environment.
_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_BUNDLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")
_NPM = "NPM_CONFIG_REGISTRY"

# Where builders put the secret `ca` while a step runs.
CA_PLACE = "/run/secrets/ca"
_CA_VARIABLES = (
    "SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "NPM_CONFIG_CAFILE",
)  # fmt: skip
# apt reads a file of its own.
_APT = (
    f"printf 'Acquire::https::CaInfo \"{CA_PLACE}\";\\n' > /tmp/apt-ca.conf; export APT_CONFIG=/tmp/apt-ca.conf; "
    "trap 'rm -f /tmp/apt-ca.conf' EXIT"
)


def find_certificates(variables: Mapping[str, str], named: Path | None) -> Path | None:
    """The file of certificates that this network's connections show: the one named, else the environment's.

    Raises:
        InputError: it is not there, or holds no certificate.
    """
    found = named or next((Path(variables[name]) for name in _BUNDLES if variables.get(name)), None)
    if found is None:
        return None
    try:
        content = found.read_bytes()
    except OSError as error:
        raise InputError(
            f"the file of certificates {found} cannot be read: {error.strerror}",
            fix="name the file with --ca, or correct SSL_CERT_FILE",
        ) from error
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise InputError(
            f"{found} holds no certificate in PEM form", fix="name a file with -----BEGIN CERTIFICATE-----"
        )
    return found


def build_network(variables: Mapping[str, str], certificates: Path | None) -> str:
    """The secret `network`: shell lines that a step of a build reads first. Empty where nothing is to be said."""
    exported: dict[str, str] = {}
    for name in _PROXIES:
        value = variables.get(name) or variables.get(name.upper())
        if value:
            exported |= {name: value, name.upper(): value}
    index = next((variables[name] for name in _INDEXES if variables.get(name)), None)
    if index:
        exported |= {"UV_DEFAULT_INDEX": index, "PIP_INDEX_URL": index}
    npm = variables.get(_NPM) or variables.get(_NPM.lower())
    if npm:
        exported[_NPM] = npm
    if certificates:
        exported |= dict.fromkeys(_CA_VARIABLES, CA_PLACE)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(exported.items())]
    return "".join(f"{line}\n" for line in [*lines, *([_APT] if certificates else [])])


def write_secrets(folder: Path, variables: Mapping[str, str], certificates: Path | None) -> dict[str, Path]:
    """Put the secrets into a folder that only this account reads; returns them by name."""
    secrets: dict[str, Path] = {}
    text = build_network(variables, certificates)
    if text:
        secrets["network"] = folder / "network"
        secrets["network"].touch(mode=0o600)
        secrets["network"].write_text(text, encoding="utf-8")
    if certificates:
        # A copy, because builders mount the file itself, and a link would lead nowhere there.
        secrets["ca"] = folder / "ca"
        secrets["ca"].write_bytes(certificates.read_bytes())
    return secrets
