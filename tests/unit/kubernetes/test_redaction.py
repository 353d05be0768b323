import base64
import json
from typing import get_args

from pydantic import BaseModel, SecretStr

from lumihub.kubernetes.redaction import HIDDEN, hide_secrets, is_secret, mask
from lumihub.settings import Settings


def find_kinds(annotation):
    """A type and all that it is made of."""
    yield annotation
    for below in get_args(annotation):
        yield from find_kinds(below)


def find_secret_paths(model, path=()):
    """Paths of all keys that the settings themselves call secret."""
    for field in model.model_fields.values():
        here = (*path, field.alias)
        kinds = list(find_kinds(field.annotation))
        if SecretStr in kinds:
            yield here
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from find_secret_paths(kind, here)


def test_every_secret_of_the_settings_is_hidden():
    paths = list(find_secret_paths(Settings))
    assert ("hub", "db", "url") in paths
    assert len(paths) >= 4
    assert [path for path in paths if not is_secret(path)] == []


def test_certificate_environment_and_free_options_are_hidden():
    for path in (
        ("proxy", "https", "manual", "key"),
        ("hub", "extraEnv", "NAME"),
        ("singleuser", "extraEnv", "NAME"),
        ("hub", "config", "GenericOAuthenticator", "client_id"),
    ):
        assert is_secret(path), path


def test_what_an_admin_wants_to_see_is_shown():
    for path in (("cull", "timeout"), ("data", "origin", "url"), ("auth", "admins"), ("deployment", "images", "hub")):
        assert not is_secret(path), path


def test_hidden_values_say_whether_they_differ():
    old = {"auth": {"oidc": {"clientSecret": "one"}}, "cull": {"timeout": 60}}
    new = {"auth": {"oidc": {"clientSecret": "two"}}, "cull": {"timeout": 90}}
    assert mask(old, new, "before") == {"auth": {"oidc": {"clientSecret": "(hidden, before)"}}, "cull": {"timeout": 60}}
    assert mask(old, old, "before")["auth"] == {"oidc": {"clientSecret": HIDDEN}}
    assert mask({"hub": {"db": {"url": None}}}, {}, "before") == {"hub": {"db": {"url": None}}}


def secret(name, **data):
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"kind": "Secret", "metadata": {"name": name}, "data": encoded}


def test_values_of_the_hub_are_shown_key_by_key_and_other_secrets_are_not():
    def values(**changes):
        found = secret("hub-values")
        text = json.dumps({"cull": {"timeout": 60}, **changes})
        found["data"] = {"values.json": base64.b64encode(text.encode()).decode()}
        return found

    before, after = hide_secrets(values(), values(cull={"timeout": 90}))
    assert before["data"] == {"values.json": {"cull": {"timeout": 60}}}
    assert after["data"] == {"values.json": {"cull": {"timeout": 90}}}
    before, after = hide_secrets(secret("other", a="1", b="2"), secret("other", a="1", b="3"))
    assert before["data"] == {"a": HIDDEN, "b": "(hidden, before)"}
    assert after["data"] == {"a": HIDDEN, "b": "(hidden, changed)"}


def test_objects_that_are_no_secrets_stay_as_they_are():
    found = {"kind": "ConfigMap", "metadata": {"name": "hub-values"}, "data": {"password": "p"}}
    assert hide_secrets(found, {}) == (found, {})
