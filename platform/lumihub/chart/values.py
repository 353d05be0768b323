"""The values that the chart is given: the admin's own, and what the tool found out."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from lumihub.settings.certificates import load_pem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lumihub.settings import Settings
    from lumihub.settings.models.proxy import Certificate


def build_values(
    settings: Settings,
    references: Mapping[str, str],
    origin_manifest: str = "",
    simulated: bool = False,
    *,
    certificate: Mapping[str, str] | None = None,
    api_ports: Sequence[int] = (),
    protected_networks: Sequence[str] = (),
    lessons: Mapping[str, Mapping[str, str]] | None = None,
    nightly: bytes = b"",
) -> dict[str, Any]:
    """The values for `helm upgrade -f -`; what the admin did not write is left to the chart's defaults.

    Args:
        settings: the values file.
        references: the image of each part, by its name.
        origin_manifest: text of the origin's own manifest, empty for what CERN published.
        simulated: students read the built-in sample.
        certificate: `{key, cert}` as PEM texts, as `load_certificate` gives them.
        api_ports: ports of the cluster's API beside 443 and 6443.
        protected_networks: public addresses of nodes and API, in CIDR notation, which students may not reach.
        lessons: the institution's own, as `load_lessons` gives them.
        nightly: the packed work of every night, empty where there is none.

    Returns:
        Plain data. It holds secrets: it goes by a pipe, never into a file or an argument.
    """
    values: dict[str, Any] = settings.model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude={"local", "deployment"}, context={"secrets": True}
    )
    values.get("lessons", {}).pop("folder", None)  # where it lies on the admin's machine is nothing to the cluster
    https = values.get("proxy", {}).get("https", {})
    https.pop("manual", None)
    if certificate is not None:
        https["manual"] = dict(certificate)
    if settings.data.ca_bundle:
        values["data"]["caBundle"] = load_pem("data.caBundle", settings.data.ca_bundle)
    values["deployment"] = {
        "images": {name: references[name] for name in sorted(references)},
        "originManifest": origin_manifest,
        "lessons": {name: dict(file) for name, file in sorted((lessons or {}).items())},
        "nightly": base64.b64encode(nightly).decode(),
        "simulated": simulated,
        "apiPorts": sorted(api_ports),
        "protectedNetworks": sorted(protected_networks),
    }
    return values


def load_certificate(settings: Settings) -> dict[str, str] | None:
    """The certificate that the proxy should serve, as PEM texts; None where it comes from elsewhere or there is none.

    Raises:
        InputError: a file can't be read or is not PEM.
    """
    https = settings.proxy.https
    if not https.enabled or https.type != "manual" or https.manual is None:
        return None
    return _read_certificate(https.manual)


def _read_certificate(certificate: Certificate) -> dict[str, str]:
    own = "proxy.https.manual"
    return {"key": load_pem(f"{own}.key", certificate.key), "cert": load_pem(f"{own}.cert", certificate.cert)}
