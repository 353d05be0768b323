"""What the test cluster holds from the start: the DNS service and the default class of volumes."""

from __future__ import annotations

import json

from cluster.machine.layout import DNS_ADDRESS, NODE_ADDRESS, TEST_IMAGE
from cluster.machine.parts import build_volume_paths

Manifest = dict[str, object]
PORTS = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
STORAGE = "local-path-storage"


def build_objects() -> Manifest:
    """All of them as one list for `kubectl apply`."""
    return {"apiVersion": "v1", "kind": "List", "items": [*_dns(), *_storage()]}


def _dns() -> list[Manifest]:
    """CoreDNS runs on the node, and pods reach it as an ordinary Service."""
    name = {"namespace": "kube-system"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "kube-dns", **name},
            "spec": {"clusterIP": DNS_ADDRESS, "ports": PORTS},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "kube-dns", "labels": {"kubernetes.io/service-name": "kube-dns"}, **name},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [NODE_ADDRESS]}],
            "ports": PORTS,
        },
    ]


def _storage() -> list[Manifest]:
    """Volumes are folders of this machine, made and removed by helper pods."""
    helper = {"name": "helper-pod", "image": TEST_IMAGE, "imagePullPolicy": "IfNotPresent"}
    pod: Manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "helper-pod"},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [helper]},
    }
    data = {
        "config.json": json.dumps(build_volume_paths()),
        "setup": '#!/bin/sh\nset -e\nmkdir -p "$VOL_DIR"\nchmod 0777 "$VOL_DIR"\n',
        "teardown": '#!/bin/sh\nrm -rf "$VOL_DIR"\n',
        "helperPod.yaml": json.dumps(pod),
    }
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": STORAGE}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "local-path-config", "namespace": STORAGE},
            "data": data,
        },
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": "local-path",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "rancher.io/local-path",
            "volumeBindingMode": "WaitForFirstConsumer",
            "reclaimPolicy": "Delete",
        },
    ]
