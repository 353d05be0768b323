"""The JupyterHub configuration that every backend loads."""
