from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from dask_gateway_server.backends.kubernetes.backend import KubeClusterConfig
from dask_gateway_server.models import User
from dask_gateway_server.utils import FrozenAttrDict
from traitlets.config import Config

from lumihub.gateway.application import build_options, configure
from lumihub.gateway.controller import CohortController

if TYPE_CHECKING:
    from pathlib import Path

    from lumihub.gateway.configuration import Configuration

NAME = "00000ff0123456789abcdef012345678"


@pytest.fixture
def c(configuration: Configuration, tmp_path: Path) -> Any:
    token = tmp_path / "token"
    token.write_text("random\n")
    options = Config()
    configure(options, configuration, token)
    return options


@pytest.fixture(params=[False, True], ids=["scheduler", "worker"])
def pod(c: Any, request: pytest.FixtureRequest) -> dict[str, Any]:
    """A pod as dask-gateway's own code makes it from these options."""
    values = FrozenAttrDict(KubeClusterConfig(config=c, namespace="n").to_dict())
    found: dict[str, Any] = CohortController(config=c).make_pod("n", NAME, values, is_worker=request.param)
    return found


def test_a_pod_that_restricted_takes(pod: dict[str, Any]) -> None:
    spec = pod["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 1_000_000_255
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["nodeSelector"] == {"role": "students"}
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    [container] = spec["containers"]
    assert container["image"] == "r/lab:1"
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]  # noqa: S108
    # 200 for each of four workers and the scheduler.
    assert container["args"][:4] == ["prlimit", "--nproc=1000", "--", "dask"]
    assert container["args"][4] in ("scheduler", "worker")


def test_sizes_are_the_settings(pod: dict[str, Any]) -> None:
    [container] = pod["spec"]["containers"]
    sizes = {
        "dask-worker": {"requests": ("0.200", 1 << 30), "limits": ("1.000", 1 << 30)},
        "dask-scheduler": {"requests": ("0.100", 1 << 28), "limits": ("0.500", 1 << 30)},
    }
    expected = {kind: {"cpu": cpu, "memory": str(memory)} for kind, (cpu, memory) in sizes[container["name"]].items()}
    assert container["resources"] == expected


def test_a_student_chooses_nothing_and_comes_into_the_cohort(configuration: Configuration) -> None:
    user = User("ada", groups=["class-9b"])
    options = build_options(configuration)(user)
    assert options.get_configuration(options.parse_options({}), user) == {"namespace": "lumihub-dask-class-9b"}
    with pytest.raises(ValueError, match=r"Unknown fields \['image'\]"):
        options.parse_options({"image": "evil"})


def test_tokens_are_only_good_for_what_they_were_made_for(c: Any) -> None:
    assert c.JupyterHubAuthenticator.jupyterhub_service_name == "gateway"
    assert c.JupyterHubAuthenticator.jupyterhub_api_token == "random"
