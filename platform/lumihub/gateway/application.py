"""Turns our configuration into dask-gateway's options. Students choose nothing: all of them are the server's. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dask_gateway_server.options import Options

from lumihub.gateway.configuration import TOKEN, Configuration, Size
from lumihub.labels import GATEWAY
from lumihub.threads import build_thread_variables

if TYPE_CHECKING:
    from pathlib import Path

    from dask_gateway_server.models import User

ADDRESS = "0.0.0.0:8000"
# Finished clusters are of no use to anybody.
_RECORD_SECONDS = 60
_LOOK_SECONDS = 30
# Workers wait for room; whoever gives some up must not be waited for much longer.
_LONGEST_PAUSE = 10
_GROUP = 1000
# Processes and threads of one pod; a worker has about 50. All of a cluster's on one node are counted together, for they
# are of one account (`CohortController`).
_PROCESSES = 200
_SCRATCH = "1Gi"


def configure(c: Any, configuration: Configuration, token_file: Path = TOKEN) -> None:
    """Set all options of the server and of the controller.

    Args:
        c: traitlets' configuration object.
        configuration: what the chart wants.
        token_file: the gateway's token for the hub's API; the controller has none.
    """
    c.DaskGateway.address = ADDRESS
    c.DaskGateway.backend_class = "lumihub.gateway.backend.CohortBackend"
    c.DaskGateway.authenticator_class = "dask_gateway_server.auth.JupyterHubAuthenticator"
    c.JupyterHubAuthenticator.jupyterhub_api_url = configuration.hub_api
    # Without it any token of a student would do, however little it was made for.
    c.JupyterHubAuthenticator.jupyterhub_service_name = GATEWAY
    if token_file.exists():
        c.JupyterHubAuthenticator.jupyterhub_api_token = token_file.read_text("utf-8").strip()
    c.KubeController.address = ADDRESS
    for part in (c.KubeBackend, c.KubeController):
        part.gateway_instance = configuration.instance
        part.api_url = configuration.api_url
        part.common_labels = {"app.kubernetes.io/name": "lumihub", "app.kubernetes.io/managed-by": "dask-gateway"}
    c.KubeController.completed_cluster_max_age = _RECORD_SECONDS
    c.KubeController.completed_cluster_cleanup_period = _LOOK_SECONDS
    c.KubeController.backoff_max_delay = _LONGEST_PAUSE
    c.Backend.cluster_options = build_options(configuration)
    _configure_clusters(c.KubeClusterConfig, configuration)


def build_options(configuration: Configuration) -> Any:
    """What dask-gateway asks for each student: no field to fill in, and the cohort's namespace."""

    def find(user: User) -> Options:
        namespace = configuration.cohorts[configuration.find_cohort(user.groups)]
        return Options(handler=lambda _: {"namespace": namespace})

    return find


def _configure_clusters(options: Any, configuration: Configuration) -> None:
    options.image = configuration.image
    options.image_pull_policy = configuration.pull_policy
    options.image_pull_secrets = [{"name": name} for name in configuration.pull_secrets]
    options.cluster_max_workers = configuration.max_workers
    options.idle_timeout = configuration.idle_timeout
    # The programs dask-gateway would start by itself exist no more.
    few = ["prlimit", f"--nproc={_PROCESSES * (configuration.max_workers + 1)}", "--"]
    options.scheduler_cmd = [*few, "dask", "scheduler"]
    # A page of each worker would cost memory for nobody: the scheduler's shows them all.
    options.worker_cmd = [*few, "dask", "worker", "--no-dashboard"]
    options.worker_threads = 1
    options.environment = {
        "HOME": "/tmp",  # noqa: S108
        "USER": "student",
        "DASK_TEMPORARY_DIRECTORY": "/tmp",  # noqa: S108
        # A worker's log names each part of an analysis that it did.
        "DASK_LOGGING__LUMIHUB": "info",
        **build_thread_variables(1),
    }
    for kind, size in (("worker", configuration.worker), ("scheduler", configuration.scheduler)):
        _configure_pods(options, kind, size, configuration.placement)
    _configure_readiness(options)


def _configure_pods(options: Any, kind: str, size: Size, placement: dict[str, Any]) -> None:
    own = {
        f"{kind}_memory": size.memory_guarantee,
        f"{kind}_memory_limit": size.memory,
        f"{kind}_cores": size.cpu_guarantee,
        f"{kind}_cores_limit": size.cpu,
        f"{kind}_extra_pod_config": {
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 5,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsGroup": _GROUP,
                "fsGroup": _GROUP,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": _SCRATCH}}],
            **placement,
        },
        f"{kind}_extra_container_config": {
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "workingDir": "/tmp",  # noqa: S108
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
        },
    }
    options.update(own)


def _configure_readiness(options: Any) -> None:
    """A scheduler is asked each second whether it is there: students wait for it."""
    options.scheduler_extra_container_config["readinessProbe"] = {"periodSeconds": 1, "failureThreshold": 15}
