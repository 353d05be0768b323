"""What the chart refuses, for whoever calls helm without deploy.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chart.rendering import run_template
from lumihub.settings.renamed import RENAMED

if TYPE_CHECKING:
    from pathlib import Path


def refused(helm: Path, values: str, namespace: str = "lumihub") -> str:
    done = run_template(helm, values, namespace=namespace)
    assert done.returncode != 0
    return done.stderr


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("cull: {timeoutSecond: 60}", "'timeoutSecond' not allowed"),
        ("hub: {replicas: 2}", "'replicas' not allowed"),
        ("deployment: {images: {helm: x}}", "'helm' not allowed"),
        ("proxy: {service: {type: Host}}", "value must be one of"),
    ],
)
def test_the_schema_refuses(helm: Path, values: str, said: str) -> None:
    assert said in refused(helm, values)


@pytest.mark.parametrize("path", RENAMED)
def test_a_key_of_zero_to_jupyterhub_is_told_its_name_here(helm: Path, path: str) -> None:
    values = "true"
    for part in reversed(path.split(".")):
        values = f"{{{part}: {values}}}"
    assert f"{path} is zero-to-jupyterhub's name; here it is {RENAMED[path]}" in refused(helm, values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("kubernetes: {usersNamespace: lumihub}", "students' servers need another one"),
        ("data: {mode: mirror}", "data.mode is mirror"),
        ("data: {caBundle: /etc/ssl/school.pem}", "data.caBundle should be the PEM text itself"),
        ("data: {nightly: {collections: [4lep]}}", "data.nightly takes deploy.py"),
        ("data: {mode: stream, nightly: {analyses: [higgs-4l]}}", "data.nightly can fill no cache at night"),
        ("auth: {type: lti13}", "auth.admins is [admin]"),
        ("hub: {db: {type: postgres}}", "hub.db.url is missing"),
        ("proxy: {https: {enabled: true}}", "should be the PEM text itself"),
        ("proxy: {https: {enabled: true, manual: {key: /k.pem, cert: /c.pem}}}", "should be the PEM text itself"),
        ("proxy: {https: {enabled: true, type: secret}}", "proxy.https.secret.name is missing"),
        ("proxy: {https: {enabled: true, type: cert-manager}}", "proxy.https.issuer.name and proxy.https.hosts"),
        ("httpRoute: {enabled: true}", "httpRoute.gateway.name is missing"),
        ("scheduling: {userPlaceholder: {replicas: 1}}", "placeholders would keep students out"),
    ],
)
def test_the_templates_refuse(helm: Path, values: str, said: str) -> None:
    assert said in refused(helm, values)
