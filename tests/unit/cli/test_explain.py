import json
from functools import partial

import pytest


@pytest.fixture
def explain(lumihub, tmp_path):
    (tmp_path / "values.yaml").write_text("cull:\n  timeout: 7200\n")

    return partial(lumihub, "explain")


def test_a_key_shows_meaning_choices_default_value_and_example(explain):
    done = explain("cull.timeout")
    assert done.returncode == 0
    assert done.stderr == ""
    assert (
        done.stdout
        == """\
cull.timeout
  Seconds without activity after which a server is ended. The default, one hour, outlasts a break
  between two lessons. `cull.enabled: false` ends none.

  May be    a whole number of seconds, 60 or more
  Default   3600
  Now       7200  (values.yaml, line 2)
  Example   cull:
              timeout: 3600
"""
    )


def test_a_key_that_must_be_given_has_no_default(explain):
    shown = explain("proxy.https.manual.key").stdout
    assert "  Default   none; it must be given\n" in shown
    assert "Now" not in shown
    assert "                  key: /etc/ssl/private/hub.key\n" in shown


def test_a_section_shows_its_keys(explain):
    assert explain("cull").stdout.splitlines()[:3] == [
        "cull  Ends servers that nobody uses, so that memory is free for those who work.",
        "  enabled: true                    Whether idle servers are ended at all",
        "  timeout: 7200                    Seconds without activity after which a server is ended",
    ]


def test_without_a_key_the_whole_tree_is_shown(explain):
    shown = explain().stdout
    assert shown.startswith("auth  Who may log in.\n  type: native\n")
    assert "\nproxy  The address that browsers open.\n" in shown
    assert "  timeout: 7200  (values.yaml, line 2)\n" in shown
    assert shown.endswith("./deploy.py explain KEY explains one, as in ./deploy.py explain cull.timeout\n")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "cull.timeoutSecond",
            "error: cull.timeoutSecond is not a known key\n  did you mean cull.timeout?\n"
            "  fix: run ./deploy.py explain cull.timeout\n",
        ),
        ("xyzzy", "error: xyzzy is not a known key\n  fix: run ./deploy.py explain to see all keys\n"),
    ],
)
def test_an_unknown_key_is_bad_input(explain, path, expected):
    done = explain(path)
    assert done.returncode == 2
    assert done.stderr == expected


def test_a_script_reads_the_same_as_json(explain):
    (key,) = json.loads(explain("cull.timeout", "--json").stdout)
    assert key["key"] == "cull.timeout"
    assert (key["default"], key["now"], key["where"]) == (3600, 7200, "values.yaml, line 2")
    every = json.loads(explain("--json").stdout)
    assert {"auth.admins", "kubernetes.release"} <= {key["key"] for key in every}


def test_a_faulty_file_stops_no_explanation(explain, tmp_path):
    (tmp_path / "values.yaml").write_text("cul: 1\n")
    done = explain("cull.timeout")
    assert done.returncode == 0
    assert done.stderr == "! values.yaml has faults, so no values of it are shown; see them with ./deploy.py validate\n"
    assert "Default   3600" in done.stdout
    assert "Now" not in done.stdout


def test_a_name_of_the_admins_own_is_explained_by_the_key_above(explain):
    assert explain("hub.config.JupyterHub.x").stdout.startswith("hub.config\n  Any JupyterHub option")
