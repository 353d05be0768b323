"""The project's own test cluster: a real single-node Kubernetes in namespaces of its own on this machine."""
