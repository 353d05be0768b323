import json

import jsonschema
import pytest

from lumihub.chart import build_values, load_certificate
from lumihub.errors import InputError
from lumihub.settings.document import parse_document
from lumihub.settings.loading import build_settings
from lumihub.settings.rendering import build_schema

REFERENCES = {"lab": "r/lab:1", "hub": "r/hub:1", "proxy": "r/proxy:1", "cache": "r/cache:1"}


def load(text):
    return build_settings(parse_document(text, "values.yaml"))


def test_only_what_was_written_is_passed_on():
    values = build_values(load("kubernetes: {context: school}\ncull: {timeout: 900}"), REFERENCES)
    assert values == {
        "kubernetes": {"context": "school"},
        "cull": {"timeout": 900},
        "deployment": {
            "images": {"cache": "r/cache:1", "hub": "r/hub:1", "lab": "r/lab:1", "proxy": "r/proxy:1"},
            "originManifest": "",
            "lessons": {},
            "nightly": "",
            "simulated": False,
            "apiPorts": [],
            "protectedNetworks": [],
        },
    }


def test_what_the_tool_found_out():
    values = build_values(
        load("{}"), REFERENCES, "[]", True, api_ports=[16443], protected_networks=["192.0.2.2/32", "192.0.2.1/32"]
    )
    found = values["deployment"]
    assert (found["originManifest"], found["simulated"], found["apiPorts"]) == ("[]", True, [16443])
    assert found["protectedNetworks"] == ["192.0.2.1/32", "192.0.2.2/32"]


def test_null_is_passed_on():
    assert build_values(load("singleuser: {memory: {limit: null}}"), {})["singleuser"] == {"memory": {"limit": None}}


def test_settings_of_one_machine_stay_there():
    assert "local" not in build_values(load("local: {folder: /srv/x}"), {})


def test_secrets_are_written_out_for_helm_alone():
    settings = load(
        "kubernetes: {context: x}\n"
        "auth: {type: github, admins: [mara], github: {clientId: a, clientSecret: s3cret, allowedUsers: [jo]}}"
    )
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in settings.model_dump_json()
    assert build_values(settings, {})["auth"]["github"]["clientSecret"] == "s3cret"


def test_the_certificate_goes_as_text(tmp_path):
    (tmp_path / "k.pem").write_text("of mara\n-----BEGIN PRIVATE KEY-----\n")
    (tmp_path / "c.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    settings = load(f"proxy: {{https: {{enabled: true, manual: {{key: {tmp_path}/k.pem, cert: {tmp_path}/c.pem}}}}}}")
    certificate = load_certificate(settings)
    assert certificate == {"key": "-----BEGIN PRIVATE KEY-----\n", "cert": "-----BEGIN CERTIFICATE-----\n"}
    assert build_values(settings, {}, certificate=certificate)["proxy"]["https"] == {
        "enabled": True,
        "manual": certificate,
    }


def test_the_authority_goes_as_text(tmp_path):
    (tmp_path / "ca.pem").write_text("of the campus\n-----BEGIN CERTIFICATE-----\n")
    values = build_values(load(f"data: {{caBundle: {tmp_path}/ca.pem}}"), {})
    assert values["data"] == {"caBundle": "-----BEGIN CERTIFICATE-----\n"}


def test_a_certificate_that_is_not_served_is_not_read():
    settings = load("proxy: {https: {enabled: false, manual: {key: /nowhere, cert: /nowhere}}}")
    assert load_certificate(settings) is None
    assert build_values(settings, {})["proxy"]["https"] == {"enabled": False}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "can't be read: No such file or directory"),
        (b"\x30\x82\xff", "is not a PEM file"),
        (b"x", "is not a PEM file"),
    ],
)
def test_a_certificate_that_is_none(tmp_path, content, what):
    path = tmp_path / "k.pem"
    if content is not None:
        path.write_bytes(content)
    settings = load(f"proxy: {{https: {{enabled: true, manual: {{key: {path}, cert: {path}}}}}}}")
    with pytest.raises(InputError) as caught:
        load_certificate(settings)
    assert str(caught.value).splitlines()[0] == f"error: proxy.https.manual.key: {path} {what}"


def test_the_schema_takes_what_is_built():
    settings = load("kubernetes: {context: x}\nimages: {containerd: /run/x.sock}\nhub: {resources: {limits: {cpu: 1}}}")
    values = build_values(settings, REFERENCES, "[]", True, api_ports=[1], protected_networks=["192.0.2.1/32"])
    jsonschema.Draft202012Validator(build_schema()).validate(json.loads(json.dumps(values)))
