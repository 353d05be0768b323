"""The backend that drives a Kubernetes cluster through Helm."""
