"""Verbs of a cluster where there is none, and verbs of one machine where a cluster is named."""

import pytest
import yaml


def test_plan_on_one_machine_says_what_to_type_instead(lumihub):
    done = lumihub("plan")
    assert done.returncode == 2
    assert done.stderr == (
        "error: plan shows what would change on a cluster, and this is one machine\n"
        "  fix: ./deploy.py validate shows what the values file amounts to; ./deploy.py up says what it did\n"
    )


def test_rollback_on_one_machine_says_what_to_type_instead(lumihub):
    done = lumihub("rollback")
    assert done.returncode == 2
    assert done.stderr == (
        "error: rollback goes back to an earlier version on a cluster, and this is one machine\n"
        "  fix: bring back the earlier values file or version of this folder (git checkout), then: ./deploy.py up\n"
    )


@pytest.mark.parametrize("words", [("start", "--for", "ada"), ("stop",)])
def test_a_demonstration_on_one_machine_says_what_there_is_instead(lumihub, words):
    done = lumihub("demo", *words)
    assert done.returncode == 2
    assert done.stderr == (
        "error: a demonstration cluster takes Kubernetes, and this is one machine\n"
        "  fix: on one machine each notebook has Dask workers of its own: client() in a notebook starts them\n"
    )


def test_a_demonstration_with_more_workers_than_are_allowed(lumihub, values):
    done = lumihub("demo", "start", "--for", "ada", "--workers", "9", "--values", values)
    assert done.returncode == 2
    assert done.stderr == (
        "error: --workers: 9 are more than dask.demo.maxWorkers, 8\n"
        "  fix: ask for 8 or fewer, or raise dask.demo.maxWorkers and type ./deploy.py up\n"
    )


@pytest.fixture
def values(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    path = tmp_path / "cluster.yaml"
    path.write_text(yaml.safe_dump({"kubernetes": {"context": "campus"}}))
    return str(path)


@pytest.mark.parametrize("words", [("fetch", "4lep"), ("remove", "4lep")])
def test_data_on_a_disk_is_refused_where_a_cluster_is_named(lumihub, values, words):
    done = lumihub("data", *words, "--values", values)
    assert done.returncode == 2
    assert done.stderr == (
        f"error: data {words[0]} works on the disk of one machine, and kubernetes.context names campus\n"
        "  fix: in a cluster: ./deploy.py data warm, fetch --to PLACE, evict. For this machine's own files name a"
        " values file without kubernetes.context (-f FILE)\n"
    )


def test_list_of_the_data_needs_no_disk(lumihub, values):
    assert lumihub("data", "list", "--values", values).returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ("data", "warm", "4lep"),
        ("data", "evict", "4lep"),
        ("data", "verify"),
        ("data", "usage"),
        ("data", "stop"),
        ("demo", "start", "--for", "ada"),
        ("demo", "stop"),
        ("up",),
        ("plan",),
        ("status",),
        ("logs",),
        ("check",),
        ("doctor",),
        ("rollback",),
        ("down",),
    ],
)
def test_cluster_that_is_not_known_here_is_said_by_every_verb(lumihub, values, tmp_path, words):
    done = lumihub(*words, "--values", values)
    assert done.returncode == 2
    assert done.stderr == (
        "error: kubernetes.context is campus, and there is no kubeconfig\n"
        f"  in {tmp_path / 'none'}\n"
        "  fix: set KUBECONFIG to the file that whoever runs the cluster gave you\n"
    )
