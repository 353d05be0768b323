from pathlib import Path

import pytest

from lumihub.errors import ExitCode, InputError
from lumihub.settings import Settings, load_settings
from lumihub.settings.document import parse_document
from lumihub.settings.loading import build_settings

AMOUNT = "an amount with a unit: K, M, G or T (powers of 1024), as in 512M or 2G"
URL = "a URL (root://..., https://..., any that fsspec knows) or a folder that begins with /"
ADDRESS = "an IP address or a host name of this machine"
ADMINS = "a list of different names, each of small letters, digits, '.', '_', '@' and '-', as in [admin, mara]"


def load(text):
    return build_settings(parse_document(text, "values.yaml"))


def faults(text):
    with pytest.raises(InputError) as caught:
        load(text)
    assert caught.value.exit_code == ExitCode.BAD_INPUT
    return str(caught.value)


def test_the_example_of_the_style_guide():
    assert faults("# class 9b\ncull:\n  timeoutSecond: 60\n") == (
        "error: cull.timeoutSecond is not a known key\n"
        "  in values.yaml, line 3\n"
        "  did you mean timeout?\n"
        "  fix: rename it, or run ./deploy.py explain cull"
    )


def test_all_faults_at_once_in_the_order_of_the_file():
    text = """\
proxy:
  port: 70000
  adress: 127.0.0.1
data:
  mode: cahce
  mode: stream
singleuser:
  memory:
    limit: 2Gi
auth:
  admins: [admin, "Mr X"]
"""
    assert (
        faults(text)
        == """\
error: proxy.port should be a whole number from 1 to 65535, not 70000
  in values.yaml, line 2
  fix: change it, or run ./deploy.py explain proxy.port

error: proxy.adress is not a known key
  in values.yaml, line 3
  did you mean address?
  fix: rename it, or run ./deploy.py explain proxy

error: data.mode should be stream, cache or mirror, not 'cahce'
  in values.yaml, line 5
  did you mean cache?
  fix: write cache, or run ./deploy.py explain data.mode

error: data.mode is written twice
  in values.yaml, line 6
  fix: keep one of the two; the first is in line 5

error: singleuser.memory.limit should be 128M or more, written with a unit: K, M, G or T (powers of 1024), \
as in 512M or 2G, or null, not '2Gi'
  in values.yaml, line 9
  fix: write 2G, or run ./deploy.py explain singleuser.memory.limit

error: auth.admins[1] should be a name of at most 64 small letters, digits, '.', '_', '@' and '-', \
beginning with a letter or digit, not 'Mr X'
  in values.yaml, line 11
  fix: change it, or run ./deploy.py explain auth.admins"""
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "timeout: 60\n",
            "error: timeout is not a known key\n  in values.yaml, line 1\n  did you mean cull.timeout or"
            " kubernetes.timeout?\n"
            "  fix: move it to where it belongs, or run ./deploy.py explain",
        ),
        (
            "data:\n  port: 1\n",
            "error: data.port is not a known key\n  in values.yaml, line 2\n  did you mean data.cache.port or"
            " proxy.port?\n"
            "  fix: move it to where it belongs, or run ./deploy.py explain data",
        ),
        (
            "dask:\n  max_workers: 1\n",
            "error: dask.max_workers is not a known key\n  in values.yaml, line 2\n  did you mean maxWorkers?\n"
            "  fix: rename it, or run ./deploy.py explain dask",
        ),
        (
            "max-workers: 1\n",
            "error: max-workers is not a known key\n  in values.yaml, line 1\n  did you mean dask.maxWorkers or"
            " dask.demo.maxWorkers?\n"
            "  fix: move it to where it belongs, or run ./deploy.py explain",
        ),
        (
            "cul:\n  timeout: 60\n",
            "error: cul is not a known key\n  in values.yaml, line 1\n  did you mean cull?\n"
            "  fix: rename it, or run ./deploy.py explain",
        ),
        (
            "proxy: {https: {gibberish: 1}}\n",
            "error: proxy.https.gibberish is not a known key\n  in values.yaml, line 1\n"
            "  fix: remove it, or run ./deploy.py explain proxy.https",
        ),
    ],
)
def test_an_unknown_key_is_told_where_it_belongs(text, expected):
    assert faults(text) == expected


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        (
            "proxy: {port: '8000'}",
            "proxy.port should be a whole number from 1 to 65535, not '8000'",
            "write 8000 without quotes",
        ),
        ("proxy: {port: 80.5}", "proxy.port should be a whole number from 1 to 65535, not 80.5", "change it"),
        ("proxy: {port: true}", "proxy.port should be a whole number from 1 to 65535, not true", "change it"),
        ("proxy: {port:}", "proxy.port should be a whole number from 1 to 65535, not nothing (null)", "change it"),
        ("proxy: {address: '0.0.0.0:80'}", f"proxy.address should be {ADDRESS}, not '0.0.0.0:80'", "change it"),
        ("cull: {timeout: 5}", "cull.timeout should be a whole number of seconds, 60 or more, not 5", "change it"),
        ("cull: {enabled: 'no'}", "cull.enabled should be true or false, not 'no'", "write no without quotes"),
        ("cull: 3600", "cull should be a group of keys, not 3600", "write its keys below it, indented"),
        (
            "cull: timeout:60",
            "cull should be a group of keys, not 'timeout:60'",
            "write a space after the colon: timeout: 60",
        ),
        (
            "singleuser: {cpu: {limit: 0}}",
            "singleuser.cpu.limit should be a number above 0, or null, not 0",
            "change it",
        ),
        (
            "singleuser: {cpu: {limit: .inf}}",
            "singleuser.cpu.limit should be a number above 0, or null, not inf",
            "change it",
        ),
        ("data: {cache: {size: 50}}", f"data.cache.size should be {AMOUNT}, not 50", "write 50G"),
        ("data: {cache: {size: 0G}}", f"data.cache.size should be {AMOUNT}, not '0G'", "change it"),
        ("data: {origin: {url: opendata}}", f"data.origin.url should be {URL}, not 'opendata'", "change it"),
        ("data: {release: 2021}", "data.release should be 2020 or 2025, not '2021'", "change it"),
        (
            "kubernetes: {context: 7}",
            "kubernetes.context should be the name of a context, or null, not 7",
            'put it in quotes: "7"',
        ),
    ],
)
def test_a_wrong_value_names_what_may_be_written(text, what, fix):
    first, where, *_, last = faults(text).splitlines()
    assert first == f"error: {what}"
    assert where == "  in values.yaml, line 1"
    assert last == f"  fix: {fix}, or run ./deploy.py explain {what.split()[0]}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "auth:\n  admins: admin\n",
            f"error: auth.admins should be {ADMINS}, not 'admin'\n  in values.yaml, line 2\n"
            "  fix: write a list: [admin], or run ./deploy.py explain auth.admins",
        ),
        (
            "auth:\n  admins: [mara, mara]\n",
            f"error: auth.admins should be {ADMINS}, not [mara, mara]\n  in values.yaml, line 2\n"
            "  fix: change it, or run ./deploy.py explain auth.admins",
        ),
        (
            "singleuser:\n  extraEnv:\n    A: x\n    THREADS: 4\n",
            "error: singleuser.extraEnv.THREADS should be text, not 4\n  in values.yaml, line 4\n"
            '  fix: put it in quotes: "4", or run ./deploy.py explain singleuser.extraEnv',
        ),
        (
            "hub:\n  config:\n    JupyterHub: 5\n",
            "error: hub.config.JupyterHub should be a group of names, each with any value, not 5\n"
            "  in values.yaml, line 3\n  fix: write its keys below it, indented, or run ./deploy.py explain hub.config",
        ),
    ],
)
def test_a_fault_inside_a_list_or_a_free_group_names_its_own_line(text, expected):
    assert faults(text) == expected


def test_a_key_that_is_missing_is_shown_with_an_example():
    assert faults("proxy:\n  https:\n    enabled: true\n    manual:\n      key: /k.pem\n") == (
        "error: proxy.https.manual.cert is missing\n  in values.yaml, line 4\n"
        "  fix: write it below proxy.https.manual, as in cert: /etc/ssl/certs/hub.pem"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "proxy:\n  https:\n    enabled: true\n",
            "error: proxy.https.enabled is true but there is no certificate to serve\n  in values.yaml, line 3\n"
            "  fix: set proxy.https.manual.key and proxy.https.manual.cert, or set proxy.https.enabled to false",
        ),
        (
            "cull:\n  every: 7200\n",
            "error: cull.every is 7200 s, longer than cull.timeout (3600 s), so idle servers would outlive it\n"
            "  in values.yaml, line 2\n  fix: set cull.every to at most 3600, or lengthen cull.timeout",
        ),
        (
            "cull:\n  timeout: 120\n",
            "error: cull.every is 300 s, longer than cull.timeout (120 s), so idle servers would outlive it\n"
            "  in values.yaml, line 2\n  fix: set cull.every to at most 120, or lengthen cull.timeout",
        ),
        (
            "proxy:\n  port: 11094\n",
            "error: data.cache.port is 11094, the port that browsers open too (proxy.port)\n  in values.yaml, line 2\n"
            "  fix: give data.cache.port another number, or leave it out",
        ),
    ],
)
def test_rules_that_join_keys_name_the_line_that_was_written(text, expected):
    assert faults(text) == expected


def test_a_rule_is_found_beside_faults_of_other_keys():
    text = faults("lessons: {language: fr}\nproxy: {port: 11094}\n")
    assert "lessons.language should be en, not 'fr'" in text
    assert "data.cache.port is 11094" in text


@pytest.mark.parametrize(
    "text",
    [
        "cull: {timeoutSeconds: 9000, every: 7200}",
        "proxy: {https: {enabled: true, manual: {key: a}}}",
        "proxy: {port: 11094}\ndata: {mode: steam}",
    ],
)
def test_a_rule_is_silent_while_one_of_its_keys_is_at_fault(text):
    assert faults(text).count("error:") == 1


@pytest.mark.parametrize("text", ["", "cull:\n", "proxy:\n  https:\n    # enabled: true\n", "data: {origin: }\n"])
def test_a_file_or_a_section_without_keys_leaves_the_defaults(text):
    assert load(text) == Settings()


@pytest.mark.parametrize(("text", "given"), [("- a\n", "[a]"), ("hello\n", "'hello'"), ("7\n", "7")])
def test_a_file_that_is_no_group_of_keys(text, given):
    assert faults(text) == (
        f"error: the file should hold keys with values, not {given}\n  in values.yaml\n"
        "  fix: write it as in values.example.yaml, or make one: ./deploy.py init"
    )


def test_values_of_every_kind_are_read():
    settings = load(
        "auth: {admins: [mara, jo]}\nsingleuser: {cpu: {limit: 1}, memory: {limit: null}, extraEnv: {A: '4'}}\n"
        "data: {release: 2025, mode: mirror}\nhub: {config: {JupyterHub: {x: [1, {y: null}]}}}\n"
    )
    assert settings.auth.admins == ("mara", "jo")
    assert settings.singleuser.cpu.limit == 1.0
    assert settings.singleuser.memory.limit is None
    assert settings.singleuser.extra_env == {"A": "4"}
    assert settings.data.release == "2025"
    assert settings.hub.config == {"JupyterHub": {"x": [1, {"y": None}]}}


def test_without_a_file_the_defaults_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_settings() == Settings()


def test_values_yaml_of_the_current_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("values.yaml").write_text("proxy: {port: 81}")
    assert load_settings().proxy.port == 81


def test_a_named_file_must_be_there(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.yaml does not exist"):
        load_settings(tmp_path / "nowhere.yaml")


def test_relative_paths_start_at_the_values_file_and_a_tilde_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/mara")
    path = tmp_path / "values.yaml"
    path.write_text("local: {folder: state}\nlessons: {folder: ~/lessons}\ndata: {folder: /srv/data}\n")
    settings = load_settings(path)
    assert settings.local.folder == tmp_path / "state"
    assert settings.lessons.folder == Path("/home/mara/lessons")
    assert settings.data.folder == Path("/srv/data")


def test_one_wrong_item_is_one_fault():
    assert faults("auth: {admins: [Mara]}\n").splitlines()[0] == (
        "error: auth.admins[0] should be a name of at most 64 small letters, digits, '.', '_', '@' and '-',"
        " beginning with a letter or digit, not 'Mara'"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "singleuser:\n  profileList: []\n",
            "error: singleuser.profileList is zero-to-jupyterhub's name; here it is hub.config.KubeSpawner.profile_list"
            "\n  in values.yaml, line 2\n  fix: move it there, or run ./deploy.py explain hub.config",
        ),
        (
            "imagePullSecrets: [a]\n",
            "error: imagePullSecrets is zero-to-jupyterhub's name; here it is images.pullSecrets\n"
            "  in values.yaml, line 1\n  fix: move it there, or run ./deploy.py explain images.pullSecrets",
        ),
    ],
)
def test_a_key_of_zero_to_jupyterhub_is_told_its_name_here(text, expected):
    assert faults(text) == expected


def cluster(text):
    return f"kubernetes: {{context: school}}\n{text}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            cluster("data: {mode: mirror}"),
            "error: data.mode is mirror, a folder of one machine, which a cluster's nodes don't share\n"
            "  in values.yaml, line 2\n"
            "  fix: set data.mode to cache, which keeps what was read on a volume of the cluster",
        ),
        (
            cluster("data: {origin: {url: /srv/opendata}}"),
            "error: data.origin.url is /srv/opendata, a folder of one machine, which a cluster's nodes don't share\n"
            "  in values.yaml, line 2\n"
            "  fix: name an origin by its URL (root://... or https://...), or leave it out to read from CERN",
        ),
        (
            "auth: {type: lti13, admins: [mara], lti13: {clientIds: [x], issuer: i, authorizeUrl: https://a,"
            " jwksEndpoint: https://j}}",
            "error: auth.type is lti13, which takes Kubernetes, and kubernetes.context is null\n"
            "  in values.yaml, line 1\n"
            "  fix: set auth.type to native, or name a cluster in kubernetes.context",
        ),
        (
            "hub: {enabled: false}",
            "error: hub.enabled is false, which leaves nothing to run on one machine, and kubernetes.context is null\n"
            "  in values.yaml, line 1\n  fix: set hub.enabled to true, or name a cluster in kubernetes.context",
        ),
        (
            "proxy: {https: {enabled: true, type: offload}}",
            "error: proxy.https.type is offload, which takes Kubernetes, and kubernetes.context is null\n"
            "  in values.yaml, line 1\n"
            "  fix: set proxy.https.type to manual, or name a cluster in kubernetes.context",
        ),
        (
            cluster("auth: {type: oidc}"),
            "error: auth.admins is [admin], and whoever has that name at the provider (oidc) would rule this hub\n"
            "  in values.yaml, line 2\n"
            "  fix: name the admins as the provider does, as in auth.admins: [mara@example.org]",
        ),
        (
            cluster("auth: {type: github, admins: [mara], github: {clientSecret: x}}"),
            "error: auth.github.clientId is missing, and auth.type is github\n  in values.yaml, line 2\n"
            "  fix: write auth.github.clientId, or set auth.type to another",
        ),
        (
            cluster("auth: {type: github, admins: [mara], github: {clientId: x}}"),
            "error: auth.github.clientSecret is missing, and auth.type is github\n  in values.yaml, line 2\n"
            "  fix: write auth.github.clientSecret, or name a Secret in existingSecret, or set auth.type to another",
        ),
        (
            cluster("auth: {type: google, admins: [mara], google: {clientId: x, clientSecret: y}}"),
            "error: auth.google.hostedDomain and allowedUsers are both empty, so nobody could log in\n"
            "  in values.yaml, line 2\n  fix: set one of the two, or set auth.type to another",
        ),
        (
            cluster("hub: {db: {type: postgres}}"),
            "error: hub.db.url is missing, and hub.db.type is postgres\n  in values.yaml, line 2\n"
            "  fix: set one of hub.db.url and hub.db.existingSecret, or set hub.db.type to sqlite-pvc",
        ),
        (
            cluster("proxy: {https: {enabled: true, type: cert-manager, hosts: [hub.example.org]}}"),
            "error: proxy.https.issuer.name is missing, and proxy.https.type is cert-manager\n"
            "  in values.yaml, line 2\n"
            "  fix: set proxy.https.issuer.name and proxy.https.hosts, or set proxy.https.type to another",
        ),
        (
            cluster("httpRoute: {enabled: true}"),
            "error: httpRoute.gateway.name is missing, and httpRoute.enabled is true\n  in values.yaml, line 2\n"
            "  fix: name the Gateway, or set httpRoute.enabled to false",
        ),
        (
            cluster("scheduling: {userPlaceholder: {replicas: 3}}"),
            "error: scheduling.userPlaceholder.replicas is above 0 without priorities, so that placeholders would keep"
            " students out\n  in values.yaml, line 2\n"
            "  fix: set scheduling.podPriority.enabled to true, or scheduling.userPlaceholder.replicas to 0",
        ),
        (
            "kubernetes: {usersNamespace: lumihub}",
            "error: kubernetes.usersNamespace is lumihub, the namespace of the hub\n  in values.yaml, line 1\n"
            "  fix: give kubernetes.usersNamespace another name: the hub may make pods there, and must not in its own",
        ),
    ],
)
def test_rules_of_a_cluster(text, expected):
    assert faults(text) == expected


def test_a_secret_is_never_shown():
    settings = load(cluster("hub: {db: {type: postgres, url: 'postgresql+psycopg://hub:s3cret@db/hub'}}"))
    assert "s3cret" not in f"{settings!r}{settings}{settings.model_dump_json()}{settings.model_dump()}"
    assert settings.hub.db.url.get_secret_value().endswith("@db/hub")


@pytest.mark.parametrize("kubernetes", ["", "kubernetes: {context: school}\n"])
def test_a_folder_of_lessons_that_is_not_there_stops_the_verbs_that_bring_it_alone(tmp_path, kubernetes):
    path = tmp_path / "values.yaml"
    path.write_text(f"{kubernetes}lessons:\n  folder: muons\n")
    assert load_settings(path).lessons.folder == tmp_path / "muons"
    with pytest.raises(InputError) as caught:
        load_settings(path, folders=True)
    assert str(caught.value) == (
        f"error: lessons.folder is {tmp_path}/muons, and no folder can be read there\n"
        f"  in {path}, line {3 if kubernetes else 2}\n"
        "  fix: name one that is there, or leave the key out"
    )
    (tmp_path / "muons").write_text("a file")
    with pytest.raises(InputError, match="no folder can be read there"):
        load_settings(path, folders=True)
    (tmp_path / "muons").unlink()
    (tmp_path / "muons").mkdir()
    assert load_settings(path, folders=True) == load_settings(path)
