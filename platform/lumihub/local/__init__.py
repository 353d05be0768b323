"""The backend of one machine: everything runs here, without Kubernetes."""
