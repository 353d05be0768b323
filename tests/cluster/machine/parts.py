"""The programs that run on the test cluster's node: their argument lists and their configuration files.

Configuration files are JSON where the program reads YAML, which it contains.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.machine.layout import (
    API_PORT,
    BRIDGE,
    CGROUP,
    DNS_ADDRESS,
    ETCD_PORT,
    IMAGES,
    KEYS,
    KUBECONFIG,
    LOGS,
    NODE,
    NODE_ADDRESS,
    POD_NETWORK,
    QUEUE,
    RUN,
    SERVICE_NETWORK,
    SOCKET,
    STATE,
    TEST_IMAGE,
    VOLUMES,
)

if TYPE_CHECKING:
    from pathlib import Path

ETCD = f"http://127.0.0.1:{ETCD_PORT}"
SETTINGS = STATE / "settings"
CNI = SETTINGS / "cni"
IMAGE_STORE = SETTINGS / "containerd.toml"


@dataclass(frozen=True, slots=True)
class Part:
    """One program of the node, started anew whenever it ends."""

    name: str
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def log(self) -> Path:
        """Where its words go."""
        return LOGS / f"{self.name}.log"


def build_parts(programs: Path) -> list[Part]:
    """All parts, in the order in which they start. None waits for another: each tries until it finds what it needs."""
    return [
        Part("containerd", ("containerd", "--config", str(IMAGE_STORE))),
        Part("etcd", _etcd()),
        Part("apiserver", _api_server(programs)),
        Part("controllers", _controllers(programs)),
        Part(
            "scheduler",
            (f"{programs}/kube-scheduler", f"--kubeconfig={KEYS}/scheduler.kubeconfig", "--leader-elect=false"),
        ),
        Part("kubelet", _kubelet(programs)),
        Part("proxy", (f"{programs}/kube-proxy", f"--config={SETTINGS}/proxy.json")),
        Part("netpol", _network_policies(programs)),
        Part("dns", (f"{programs}/coredns", "-conf", f"{SETTINGS}/Corefile")),
        Part(
            "storage",
            (
                f"{programs}/local-path-provisioner",
                "start",
                f"--config={SETTINGS}/storage.json",
                f"--kubeconfig={KUBECONFIG}",
                "--service-account-name=default",
            ),
            (("POD_NAMESPACE", "local-path-storage"),),
        ),
    ]


def build_settings() -> dict[Path, str]:
    """The configuration files, and what stands in each."""
    return {
        IMAGE_STORE: _containerd(),
        CNI / "10-lumihub-test.conflist": json.dumps(_pod_network()),
        SETTINGS / "kubelet.json": json.dumps(_kubelet_configuration()),
        SETTINGS / "proxy.json": json.dumps(_proxy_configuration()),
        SETTINGS / "storage.json": json.dumps(build_volume_paths()),
        SETTINGS / "Corefile": _corefile(),
    }


def build_volume_paths() -> dict[str, object]:
    """Where the provisioner of volumes puts them; its helper pods read the same from a ConfigMap."""
    return {"nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [str(VOLUMES)]}]}


def _etcd() -> tuple[str, ...]:
    # On the node's address too, with certificates, as a real control plane has it: attacks from pods aim there.
    tls = (f"--cert-file={KEYS}/etcd.crt", f"--key-file={KEYS}/etcd.key", f"--trusted-ca-file={KEYS}/ca.crt")
    return (
        "etcd",
        f"--data-dir={STATE}/etcd",
        f"--listen-client-urls={ETCD},https://{NODE_ADDRESS}:{ETCD_PORT}",
        f"--advertise-client-urls={ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--client-cert-auth",
        *tls,
    )


def _api_server(programs: Path) -> tuple[str, ...]:
    return (
        f"{programs}/kube-apiserver",
        f"--etcd-servers={ETCD}",
        f"--service-cluster-ip-range={SERVICE_NETWORK}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged",
        f"--client-ca-file={KEYS}/ca.crt",
        f"--tls-cert-file={KEYS}/apiserver.crt",
        f"--tls-private-key-file={KEYS}/apiserver.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={KEYS}/sa.pub",
        f"--service-account-signing-key-file={KEYS}/sa.key",
        f"--secure-port={API_PORT}",
        f"--advertise-address={NODE_ADDRESS}",
        f"--kubelet-client-certificate={KEYS}/admin.crt",
        f"--kubelet-client-key={KEYS}/admin.key",
        "--kubelet-preferred-address-types=InternalIP",
    )


def _controllers(programs: Path) -> tuple[str, ...]:
    return (
        f"{programs}/kube-controller-manager",
        f"--kubeconfig={KEYS}/controllers.kubeconfig",
        f"--service-account-private-key-file={KEYS}/sa.key",
        f"--root-ca-file={KEYS}/ca.crt",
        "--use-service-account-credentials",
        "--allocate-node-cidrs=false",
        "--leader-elect=false",
        f"--cluster-signing-cert-file={KEYS}/ca.crt",
        f"--cluster-signing-key-file={KEYS}/ca.key",
    )


def _kubelet(programs: Path) -> tuple[str, ...]:
    return (
        f"{programs}/kubelet",
        f"--config={SETTINGS}/kubelet.json",
        f"--kubeconfig={KEYS}/kubelet.kubeconfig",
        f"--hostname-override={NODE}",
        f"--node-ip={NODE_ADDRESS}",
        f"--root-dir={STATE}/kubelet",
    )


def _network_policies(programs: Path) -> tuple[str, ...]:
    return (
        f"{programs}/kube-network-policies",
        f"--kubeconfig={KUBECONFIG}",
        f"--hostname-override={NODE}",
        f"--nfqueue-id={QUEUE}",
        "--disable-nri",
        "--metrics-bind-address=127.0.0.1:19080",
    )


def _containerd() -> str:
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE runc cannot lower the score, and no sandbox would start.
    return f"""version = 2
root = "{IMAGES}"
state = "{RUN}/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{TEST_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{CNI}"
"""


def _pod_network() -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": POD_NETWORK}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(RUN / "addresses"),
    }
    bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "ipMasq": True, "hairpinMode": True}
    return {
        "cniVersion": "0.4.0",
        "name": "lumihub-test",
        "plugins": [{**bridge, "ipam": addresses}, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }


def _kubelet_configuration() -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{KEYS}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUP}",
        "failSwapOn": False,
        "failCgroupV1": False,
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        # Pods must not inherit the search domains of the machine's network.
        "resolvConf": f"{RUN}/resolv.conf",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "podLogsDir": f"{STATE}/pods-log",
        "volumePluginDir": f"{STATE}/kubelet/plugins",
        "maxPods": 200,
        "podPidsLimit": 4096,
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    }


def _proxy_configuration() -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{KEYS}/proxy.kubeconfig"},
        "mode": "iptables",
        "clusterCIDR": POD_NETWORK,
        "hostnameOverride": NODE,
        # Its limits of conntrack are the machine's, not the node's to set.
        "conntrack": {"maxPerCore": 0},
    }


def _corefile() -> str:
    # Names outside the cluster are unknown: the node has no way out but to the machine that it runs on.
    return f"""cluster.local in-addr.arpa {{
  bind {NODE_ADDRESS}
  errors
  kubernetes {{
    kubeconfig {KUBECONFIG}
  }}
  cache 5
}}
. {{
  bind {NODE_ADDRESS}
  template ANY ANY {{
    rcode NXDOMAIN
  }}
}}
"""
