"""Caches to attack that harm nobody: with the installed cache's configuration, and with its guards taken out of that.

All run in one pod of the image `cache`: an origin that anybody may write to, a foreign one, and two caches before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lumihub.kubernetes.trials import build_pod
from servers.xrootd import EXPORT

if TYPE_CHECKING:
    from cluster.machine.access import Cluster

# Ports.
ORIGIN, FOREIGN, GUARDED, OPEN = 1095, 1096, 1097, 1098
FILE = f"{EXPORT}/data.root"
# Lines of the installed cache's configuration, and what stands there where nothing is guarded.
GUARDS = {
    # No path but the releases', and none to be written.
    f"all.export {EXPORT} r/o": "all.export /",
    # XRootD's cache writes to no origin, whatever is exported.
    "pss.cachelib default": "",
    # Rights, by path.
    "ofs.authorize": "",
    # One origin, whatever the path says.
    "pss.origin ": "pss.origin =root,xroot ",
}


def build_caches(cluster: Cluster, installed: str, namespace: str, image: str) -> dict[str, Any]:
    """The pod `caches`; `installed` is the namespace of the cache whose configuration is taken."""
    configuration, rules = (
        cluster.kubectl("--namespace", installed, "exec", "cache-0", "--", "cat", f"/run/lumihub/{file}")
        for file in ("xrootd.cfg", "authdb")
    )
    opened = _move(configuration, OPEN)
    for line, other in GUARDS.items():
        assert line in opened, line
        opened = opened.replace(line, other)
    pod = build_pod("caches", image, ["true"])
    pod["metadata"]["namespace"] = namespace
    [plain] = pod["spec"]["containers"]
    pod["spec"]["containers"] = [
        _build_container(plain, port, text, rules)
        for port, text in {
            ORIGIN: _build_origin(ORIGIN),
            FOREIGN: _build_origin(FOREIGN),
            GUARDED: _move(configuration, GUARDED),
            OPEN: opened,
        }.items()
    ]
    pod["spec"]["volumes"] = [{"name": "files", "emptyDir": {}}]
    return pod


def _move(configuration: str, port: int) -> str:
    """The same lines, but for the places where files lie and the origin is."""
    moved = {
        "xrd.port": str(port),
        "pss.origin": f"127.0.0.1:{ORIGIN}",
        "oss.localroot": f"/files/{port}/data",
        "acc.authdb": f"/files/{port}/authdb",
        **dict.fromkeys(("all.adminpath", "xrd.homepath", "all.pidpath"), f"/files/{port}/run"),
    }
    lines = (line.partition(" ") for line in configuration.splitlines())
    return "\n".join(f"{word} {moved.get(word, rest)}".strip() for word, _, rest in lines)


def _build_origin(port: int) -> str:
    words = ("xrd.port", "oss.localroot", "all.adminpath", "xrd.homepath", "all.pidpath")
    return _move("\n".join(["all.role server", "xrd.network nodnr", "all.export /", *words]), port)


def _build_container(plain: dict[str, Any], port: int, configuration: str, rules: str) -> dict[str, Any]:
    script = f"""
mkdir -p run data{EXPORT}/empty data/etc data/data
cp /etc/passwd data/etc/
echo secret > data/secret.txt
head -c 100000 /dev/zero > data{FILE}
echo "$RULES" > authdb
echo "$CONFIGURATION" > xrootd.cfg
exec xrootd -n of-{port} -c xrootd.cfg
"""
    folder = f"/files/{port}"
    return plain | {
        "name": f"of-{port}",
        "command": ["sh", "-ec", script],
        "workingDir": folder,
        "env": [{"name": "CONFIGURATION", "value": configuration}, {"name": "RULES", "value": rules}],
        "volumeMounts": [{"name": "files", "mountPath": folder, "subPath": str(port)}],
        "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
    }
