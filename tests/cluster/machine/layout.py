"""Where the test cluster lies on this machine: its folders, addresses and names.

There is one test cluster a machine, because its addresses are fixed. Its node lives in namespaces of its own (network,
mounts, processes), so that killing one process leaves nothing behind.
"""

from __future__ import annotations

import os
from pathlib import Path

MACHINE = Path(__file__).resolve().parent
PROJECT = MACHINE.parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "lumihub", "cluster")

# What lives as long as the machine's memory does, and what stays until it is wiped.
RUN = Path("/run/lumihub-test-cluster")
STATE = Path("/var/lib/lumihub-test-cluster")

KEYS = STATE / "keys"
KUBECONFIG = KEYS / "admin.kubeconfig"
LOGS = STATE / "log"
VOLUMES = STATE / "volumes"
# Images stay when the cluster is made afresh, everything else of it goes.
IMAGES = STATE / "containerd"
OBJECTS = ("etcd", "keys", "kubelet", "cni", "volumes", "log", "pods-log")

SOCKET = RUN / "containerd.sock"
# Held while the cluster is started, stopped or changed; by the run of tests that has it; by all that work beside it.
# They survive a wipe.
LOCK = Path("/run/lumihub-test-cluster.lock")
USE = Path("/run/lumihub-test-cluster.use")
PRESENCE = Path("/run/lumihub-test-cluster.presence")

CONTEXT = "lumihub-test"
NODE = "node0"
CGROUP = "lumihub-test"
# The two ends of the wire between this machine and the node, and the bridge that pods hang on inside the node.
HOST_LINK, NODE_LINK, BRIDGE = "lumihub-host", "lumihub-node", "pods0"
NODE_ADDRESS, HOST_ADDRESS, WIRE = "10.99.0.1", "10.99.0.2", 30
# Where clouds answer questions about a machine; on the node, so that tests can put a server there.
METADATA_ADDRESS = "169.254.169.254"
POD_NETWORK = "10.244.0.0/24"
SERVICE_NETWORK = "10.96.0.0/16"
DNS_ADDRESS = "10.96.0.10"
API_ADDRESS = "10.96.0.1"
API_PORT, ETCD_PORT, KUBELET_PORT = 6443, 2379, 10250
QUEUE = 100

TEST_IMAGE = "localhost/lumihub-test/busybox:1"
