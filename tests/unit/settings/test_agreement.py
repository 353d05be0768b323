"""The models and the schema that Helm reads judge every value alike, and no value is met by a traceback."""

import json

import jsonschema
import pytest

from lumihub.errors import InputError
from lumihub.settings.document import Document
from lumihub.settings.keys import build_keys
from lumihub.settings.loading import build_settings
from lumihub.settings.rendering import build_schema

EVERY = [key for top in build_keys() for key in top.walk() if not key.path.startswith("proxy.https.manual.")]
VALUES = [
    None,
    True,
    0,
    1,
    -1,
    7.5,
    8080,
    70000,
    10**30,
    "",
    "x",
    "A b",
    "2G",
    "0",
    "cache",
    "2020",
    "/x",
    [],
    ["x"],
    [["x"]],
]
VALUES += [{}, {"x": 1}, {"x": "y"}, {"X": {"y": 1}}, {"enabled": True}, "ü"]
SCHEMA = jsonschema.Draft202012Validator(build_schema())

# The models know more than the schema can say.
ONLY_MODELS_REFUSE = {("data.origin.url", repr(text)) for text in ("", "x", "A b", "2G", "0", "cache", "2020", "ü")}
# Rules that join keys.
ONLY_MODELS_REFUSE |= {("proxy.https", "{'enabled': True}"), ("proxy.https.enabled", "True")}
ONLY_MODELS_REFUSE |= {("hub.enabled", "False")}
ONLY_MODELS_REFUSE |= {("httpRoute", "{'enabled': True}"), ("httpRoute.enabled", "True")}
ONLY_MODELS_REFUSE |= {("scheduling.userPlaceholder.replicas", repr(count)) for count in (1, 8080, 70000, 10**30)}
# Keys of zero-to-jupyterhub, which the chart's templates refuse by their new names.
ONLY_MODELS_REFUSE |= {(f"{section}.networkPolicy", "{'enabled': True}") for section in ("hub", "singleuser")}
ONLY_MODELS_REFUSE |= {("cull.every", repr(seconds)) for seconds in (8080, 70000, 10**30)}
# A section of nothing holds its defaults; Helm drops such keys before it looks at the schema.
ONLY_SCHEMA_REFUSES = {(key.path, "None") for key in EVERY if key.keys}


@pytest.mark.parametrize("key", EVERY, ids=lambda key: key.path)
def test_models_and_schema_agree(key):
    faults = []
    for value in VALUES:
        nested = value
        for part in reversed(key.path.split(".")):
            nested = {part: nested}
        try:
            build_settings(Document("values.yaml", nested))
            taken = True
        except InputError as error:
            taken = False
            faults += error.faults
        by_schema = SCHEMA.is_valid(json.loads(json.dumps(nested)))
        case = (key.path, repr(value))
        if case in ONLY_MODELS_REFUSE:
            assert (taken, by_schema) == (False, True), case
        elif case in ONLY_SCHEMA_REFUSES and key.path != "proxy.https.manual":
            assert (taken, by_schema) == (True, False), case
        else:
            assert taken == by_schema, case
    assert all(fault.what and fault.fix for fault in faults)
