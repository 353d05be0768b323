"""The test cluster's certificates, and the kubeconfig of each of its programs."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from cluster.machine.layout import API_ADDRESS, API_PORT, CONTEXT, KEYS, NODE, NODE_ADDRESS
from lumihub.process import run

DAYS = "3650"
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
SERVICE = "kubernetes.default.svc"
NAMES = ("localhost", "kubernetes", "kubernetes.default", SERVICE, f"{SERVICE}.cluster.local")
ADDRESSES = ("127.0.0.1", API_ADDRESS, NODE_ADDRESS)
# Certificate -> its subject, which is the user and the group that Kubernetes takes it for.
SUBJECTS = {
    "admin": "/O=system:masters/CN=admin",
    "controllers": "/CN=system:kube-controller-manager",
    "kubelet": f"/O=system:nodes/CN=system:node:{NODE}",
    "proxy": "/CN=system:kube-proxy",
    "scheduler": "/CN=system:kube-scheduler",
}


def ensure_certificates() -> None:
    """Make the authority, the servers' and the users' certificates, unless they are there already."""
    KEYS.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (KEYS / "ca.crt").exists():
        _make_authority()
    if not (KEYS / "sa.pub").exists():
        run(["openssl", "genrsa", "-out", KEYS / "sa.key", "2048"])
        run(["openssl", "rsa", "-in", KEYS / "sa.key", "-pubout", "-out", KEYS / "sa.pub"])
    for name in ("apiserver", "etcd"):
        _ensure_certificate(name, f"/CN={name}", servers=True)
    for name, subject in SUBJECTS.items():
        _ensure_certificate(name, subject)
        (KEYS / f"{name}.kubeconfig").write_text(build_kubeconfig(name))


def build_kubeconfig(name: str) -> str:
    """How the owner of a certificate reaches the API server. JSON, which is YAML too."""
    cluster = {"server": f"https://{NODE_ADDRESS}:{API_PORT}", "certificate-authority": str(KEYS / "ca.crt")}
    user = {"client-certificate": str(KEYS / f"{name}.crt"), "client-key": str(KEYS / f"{name}.key")}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": name}}],
        "current-context": CONTEXT,
    }
    return json.dumps(config, indent=2) + "\n"


def _make_authority() -> None:
    # Python 3.13 refuses an authority without key usage and key identifier.
    extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature"]
    words = [word for extension in extensions for word in ("-addext", extension)]
    begin = ["openssl", "req", "-x509", *KEY, "-days", DAYS, "-subj", f"/CN={CONTEXT}", *words]
    run([*begin, "-addext", "subjectKeyIdentifier=hash", "-keyout", KEYS / "ca.key", "-out", KEYS / "ca.making"])
    (KEYS / "ca.making").replace(KEYS / "ca.crt")


def _ensure_certificate(name: str, subject: str, *, servers: bool = False) -> None:
    certificate = KEYS / f"{name}.crt"
    if certificate.exists():
        return
    lines = [
        "keyUsage=critical,digitalSignature,keyEncipherment",
        "extendedKeyUsage=clientAuth,serverAuth",
        "subjectKeyIdentifier=hash",
        "authorityKeyIdentifier=keyid",
    ]
    if servers:
        alternatives = [*(f"DNS:{word}" for word in NAMES), *(f"IP:{word}" for word in ADDRESSES)]
        lines.append(f"subjectAltName={','.join(alternatives)}")
    with tempfile.TemporaryDirectory(dir=KEYS) as place:
        request, extensions, making = Path(place, "csr"), Path(place, "extensions"), Path(place, "crt")
        extensions.write_text("\n".join(lines) + "\n")
        run(["openssl", "req", *KEY, "-subj", subject, "-keyout", KEYS / f"{name}.key", "-out", request])
        authority: list[str | Path] = [
            "-CA",
            KEYS / "ca.crt",
            "-CAkey",
            KEYS / "ca.key",
            "-CAcreateserial",
            "-days",
            DAYS,
        ]
        run(["openssl", "x509", "-req", "-in", request, *authority, "-extfile", extensions, "-out", making])
        making.replace(certificate)
