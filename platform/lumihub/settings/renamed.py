"""Keys that zero-to-jupyterhub has, and where the same is said here: whoever comes from there is told at once."""

from __future__ import annotations

_SPAWNER = "hub.config.KubeSpawner"

RENAMED = {
    "debug": "hub.config.JupyterHub.log_level",
    "imagePullSecret": "images.pullSecrets",
    "imagePullSecrets": "images.pullSecrets",
    "hub.allowNamedServers": "hub.config.JupyterHub.allow_named_servers",
    "hub.baseUrl": "hub.config.JupyterHub.base_url",
    "hub.extraConfig": "hub.config",
    "hub.image": "images",
    "hub.db.password": "hub.db.url",
    "hub.db.upgrade": "hub.config.JupyterHub.upgrade_db",
    "hub.networkPolicy.enabled": "networkPolicy.enabled",
    "proxy.https.letsencrypt": "proxy.https.issuer",
    "singleuser.extraNodeAffinity": f"{_SPAWNER}.node_affinity_preferred",
    "singleuser.extraContainers": f"{_SPAWNER}.extra_containers",
    "singleuser.extraPodConfig": f"{_SPAWNER}.extra_pod_config",
    "singleuser.image": "images",
    "singleuser.initContainers": f"{_SPAWNER}.init_containers",
    "singleuser.lifecycleHooks": f"{_SPAWNER}.lifecycle_hooks",
    "singleuser.profileList": f"{_SPAWNER}.profile_list",
    "singleuser.networkPolicy.enabled": "networkPolicy.enabled",
}


def find_new_name(path: str) -> str | None:
    """Where zero-to-jupyterhub's key is here, or None where it is none of those."""
    return RENAMED.get(path)


def describe_renamed(path: str) -> str:
    """The same as a sentence."""
    return f"{path} is zero-to-jupyterhub's name; here it is {RENAMED[path]}"
