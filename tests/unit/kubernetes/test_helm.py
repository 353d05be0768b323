import subprocess
import sys
import time
from pathlib import Path

import pytest

from lumihub.errors import LumiHubError
from lumihub.kubernetes.helm import Helm, check_version, explain_failure, find_helm, means_timeout

PROGRAM = Path("/usr/bin/helm")


@pytest.mark.parametrize(
    ("words", "version"),
    [("v3.18.6+gabc", "3.18.6"), ("v4.3.1+gdef\n", "4.3.1"), ("v4.3", "4.3"), ("WARNING: x\nv3.20.0", "3.20.0")],
)
def test_versions_that_work(words, version):
    assert check_version(words, PROGRAM) == version
    assert Helm(PROGRAM, version).major == int(version[0])


def test_old_helm_says_what_to_do():
    with pytest.raises(LumiHubError) as caught:
        check_version("v3.12.3+g1", PROGRAM)
    assert str(caught.value) == (
        "error: helm 3.12.3 is too old: 3.18 or newer is needed\n"
        "  in /usr/bin/helm\n"
        "  fix: install Helm 4 (https://helm.sh/docs/intro/install) and type the same command again"
    )


def test_missing_helm_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    if any((Path(folder) / "helm").exists() for folder in ("/usr/local/sbin", "/usr/sbin", "/sbin")):
        pytest.skip("this machine has a helm where it is always found")
    with pytest.raises(LumiHubError) as caught:
        find_helm()
    assert str(caught.value) == (
        "error: helm is not installed\n"
        "  fix: install Helm 4 (https://helm.sh/docs/intro/install) and type the same command again"
    )


@pytest.mark.parametrize(
    ("said", "what"),
    [
        (
            "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress",
            "an earlier change of the release was not finished",
        ),
        (
            'Error: unable to continue with install: Service "hub" in namespace "lumihub" exists and cannot be imported'
            " into the current release: invalid ownership metadata",
            "Service hub in the namespace lumihub was made by somebody else, so Helm does not touch it",
        ),
        (
            "Error: execution error at (lumihub/templates/validation.yaml:4:4): hub.db.url is missing",
            "the chart refuses the values: hub.db.url is missing",
        ),
        (
            'Error: secrets is forbidden: User "mara" cannot list resource "secrets" in API group ""',
            "the account mara lacks the right to list secrets",
        ),
        ("level=WARN msg=x\nError: something new", "helm failed: Error: something new"),
        ("", "helm failed: it said nothing"),
    ],
)
def test_failures_are_put_into_words(said, what):
    error = explain_failure(said)
    assert error.faults[0].what == what
    assert error.faults[0].fix


@pytest.mark.parametrize(
    "said",
    [
        "Error: UPGRADE FAILED: release lumihub failed, and has been rolled back: context deadline exceeded",
        "Error: resource Deployment/lumihub/hub not ready. status: InProgress",
        "Release lumihub has been cancelled.",
    ],
)
def test_words_that_mean_pods_did_not_come_up(said):
    assert means_timeout(said)


def test_values_go_by_a_pipe_and_the_end_is_noticed():
    python = Helm(Path(sys.executable), "4.0.0")
    process = python.start(["-c", "import sys; print(sys.stdin.read()); sys.exit(3)"], {"secret": "s"})
    assert process.wait(20)
    assert process.result is not None
    assert (process.result.exit_code, process.result.stdout.strip()) == (3, "secret: s")


def test_interrupt_asks_and_kill_ends():
    python = Helm(Path(sys.executable), "4.0.0")
    process = python.start(["-c", "import time; time.sleep(60)"])
    assert not process.wait(0.2)
    process.interrupt()
    assert process.wait(20)
    assert process.result is not None
    assert process.result.exit_code == -15


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone ends a child with its parent")
def test_helm_ends_with_the_process_that_started_it():
    start = (
        "import sys, time; from pathlib import Path; from lumihub.kubernetes.helm import Helm\n"
        "process = Helm(Path(sys.executable), '4.0.0').start(['-c', 'import time; time.sleep(60)'])\n"
        "print(process.process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", start], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = Path(f"/proc/{int(parent.stdout.readline())}")
        assert child.exists()
        parent.kill()
    deadline = time.monotonic() + 60
    while child.exists() and "\nState:\tZ" not in (child / "status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
