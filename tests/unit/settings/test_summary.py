import pytest

from lumihub.settings import Settings
from lumihub.settings.summary import build_summary


def test_the_defaults_in_words():
    assert build_summary(Settings()) == {
        "runs on": "this machine",
        "listens": "http on port 8000, for the whole network",
        "accounts": "students ask for an account at the login page, an admin (admin) approves",
        "a server": "at most 2G of memory, 2 cores, ended after 60 idle minutes",
        "data": "release 2020, read from root://eospublic.cern.ch//eos/opendata/atlas, up to 50G kept on disk",
    }


@pytest.mark.parametrize(
    ("values", "subject", "words"),
    [
        ({"kubernetes": {"context": "school"}}, "runs on", "the cluster school, in namespace lumihub"),
        (
            {"kubernetes": {"context": "school"}},
            "listens",
            "http at an address that the cluster's load balancer gives",
        ),
        (
            {
                "kubernetes": {"context": "school"},
                "hub": {"enabled": False},
                "cache": {"allowed_namespaces": ["jhub"]},
            },
            "parts",
            "the data cache alone, for pods of jhub",
        ),
        (
            {"kubernetes": {"context": "school"}, "ingress": {"enabled": True}},
            "listens",
            "behind an Ingress",
        ),
        (
            {
                "kubernetes": {"context": "school"},
                "auth": {
                    "type": "github",
                    "admins": ["mara"],
                    "github": {"client_id": "x", "client_secret": "y", "allowed_organizations": ["school"]},
                },
            },
            "accounts",
            "students log in with their account of GitHub, admins are mara",
        ),
        ({"local": {"folder": "/srv/x"}}, "runs on", "this machine, in /srv/x"),
        ({"proxy": {"address": "127.0.0.1", "port": 81}}, "listens", "http on port 81, for this machine alone"),
        ({"proxy": {"address": "10.0.0.7"}}, "listens", "http on port 8000, for those who reach 10.0.0.7"),
        (
            {"proxy": {"https": {"enabled": True, "manual": {"key": "/k", "cert": "/c"}}}},
            "listens",
            "https on port 8000, for the whole network",
        ),
        ({"auth": {"native": {"signup": "closed"}}}, "accounts", "./deploy.py users add makes the students' accounts"),
        (
            {"singleuser": {"memory": {"limit": None}, "cpu": {"limit": None}}, "cull": {"enabled": False}},
            "a server",
            "memory without limit, cores without limit, never ended when idle",
        ),
        ({"data": {"origin": {"url": "https://x.org/o"}}}, "data", "release 2020, each read goes to https://x.org/o"),
        ({"data": {"mode": "stream", "origin": {"url": "/srv/o"}}}, "data", "release 2020, each read goes to /srv/o"),
    ],
)
def test_what_differs_is_said(values, subject, words):
    assert build_summary(Settings.model_validate(values))[subject] == words
