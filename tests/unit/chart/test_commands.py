import pytest

from lumihub.chart import (
    CHART,
    helm_get_manifest,
    helm_get_values,
    helm_history,
    helm_rollback,
    helm_status,
    helm_template,
    helm_uninstall,
    helm_upgrade,
)
from lumihub.settings import Settings

SETTINGS = Settings.model_validate({"kubernetes": {"context": "school", "namespace": "hub", "timeout": 90}})
PLACE = ["--kube-context", "school", "--namespace", "hub"]
WAIT = ["--wait", "--timeout", "90s"]
OWN = ["--server-side=true", "--force-conflicts"]


@pytest.mark.parametrize(("helm", "undo"), [(3, ["--atomic"]), (4, [*OWN, "--rollback-on-failure"])])
def test_upgrade(helm, undo):
    assert helm_upgrade(SETTINGS, helm=helm) == [
        "upgrade",
        "lumihub",
        str(CHART),
        "--install",
        *PLACE,
        "--values",
        "-",
        "--reset-values",
        "--skip-crds",
        "--history-max",
        "10",
        *WAIT,
        *undo,
    ]


@pytest.mark.parametrize("helm", [3, 4])
def test_dry_run_asks_the_cluster_and_does_not_wait(helm):
    words = helm_upgrade(SETTINGS, helm=helm, dry_run=True)
    assert words[-3:] == ["--dry-run=server", "--output", "json"]
    assert "--wait" not in words


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (helm_rollback(SETTINGS, 7, helm=3), ["rollback", "lumihub", "7", *PLACE, *WAIT]),
        (helm_rollback(SETTINGS, 7, helm=4), ["rollback", "lumihub", "7", *PLACE, *WAIT, *OWN]),
        (helm_uninstall(SETTINGS, helm=4), ["uninstall", "lumihub", *PLACE, "--ignore-not-found", *WAIT]),
        (helm_history(SETTINGS, helm=3), ["history", "lumihub", *PLACE, "--output", "json"]),
        (helm_status(SETTINGS, helm=3), ["status", "lumihub", *PLACE, "--output", "json"]),
        (helm_get_manifest(SETTINGS, helm=4), ["get", "manifest", "lumihub", *PLACE]),
        (helm_get_manifest(SETTINGS, 3, helm=4), ["get", "manifest", "lumihub", *PLACE, "--revision", "3"]),
        (helm_get_values(SETTINGS, helm=4), ["get", "values", "lumihub", *PLACE, "--output", "json"]),
        (helm_template(SETTINGS, helm=4), ["template", "lumihub", str(CHART), "--namespace", "hub", "--values", "-"]),
    ],
    ids=lambda value: value[0],
)
def test_words(words, expected):
    assert words == expected


def test_without_a_context_helm_takes_the_current_one():
    assert "--kube-context" not in helm_history(Settings(), helm=4)
