import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from lumihub.errors import InputError
from lumihub.settings import Settings, load_settings
from lumihub.settings.document import parse_document
from lumihub.settings.generate import PROJECT, build_files, write_files
from lumihub.settings.keys import build_keys
from lumihub.settings.loading import build_settings
from lumihub.settings.rendering import build_example, build_reference, build_schema, render_value

LEAVES = [key for top in build_keys() for key in top.walk() if not key.keys]


@pytest.mark.parametrize(("name", "text"), build_files().items(), ids=build_files())
def test_generated_files_are_up_to_date(name, text):
    assert (PROJECT / name).read_text() == text, "fix: python -m lumihub.settings.generate"


def test_the_example_is_valid_and_equal_to_the_defaults():
    assert load_settings(PROJECT / "values.example.yaml") == Settings()


def test_the_example_writes_every_key_out_with_its_default():
    document = parse_document(build_example(), "values.example.yaml")
    written = {".".join(map(str, position)) for position in document.lines}
    assert {key.path for key in LEAVES if not key.required} <= written
    assert document.data == json.loads(Settings().model_dump_json(by_alias=True, exclude={"deployment"}))


def test_the_example_with_its_certificate_uncommented_is_valid():
    text = build_example().replace("manual: null", "manual:")
    for key in ("key: /etc/ssl/private/hub.key", "cert: /etc/ssl/certs/hub.pem"):
        assert f"    #   {key}\n" in text
        text = text.replace(f"    #   {key}\n", "").replace("manual:\n", f"manual:\n      {key}\n", 1)
    assert build_settings(parse_document(text, "x")).proxy.https.manual.key == Path("/etc/ssl/private/hub.key")


def test_comments_of_the_example_are_at_most_100_columns_wide():
    body = build_example().partition("\n\n")[2]
    assert max(len(line) for line in body.splitlines()) <= 100


def test_the_reference_has_a_row_for_every_key():
    page = build_reference()
    for key in LEAVES:
        assert f"\n| `{key.path}` | " in page


def test_rows_of_the_reference_have_four_cells():
    rows = [line for line in build_reference().splitlines() if line.startswith("| `")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {5}


SCHEMA = jsonschema.Draft202012Validator(build_schema())


def test_the_schema_is_one():
    SCHEMA.check_schema(SCHEMA.schema)


@pytest.mark.parametrize(
    "text",
    [
        build_example(),
        "{}",
        "data: {release: 2020}",
        "proxy: {https: {enabled: true, manual: {key: a, cert: b}}}",
        "singleuser: {memory: {limit: null}, cpu: {limit: 1}}",
        "hub: {config: {JupyterHub: {x: [1]}}}",
    ],
)
def test_what_the_models_take_the_schema_takes(text):
    build_settings(parse_document(text, "x"))
    SCHEMA.validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        "cull: {timeoutSecond: 60}",
        "cull: {timeout: 5}",
        "proxy: {port: '80'}",
        "proxy: {port: 70000}",
        "proxy: {https: {enabled: true, manual: {key: a}}}",
        "dask: {max_workers: 1}",
        "data: {mode: x}",
        "data: {release: 2021}",
        "data: {cache: {size: 2Gi}}",
        "singleuser: {cpu: {limit: 0}}",
        "singleuser: {extraEnv: {A: 4}}",
        "auth: {admins: []}",
        "auth: {admins: [A]}",
        "kubernetes: {namespace: Lumi_Hub}",
    ],
)
def test_what_the_models_refuse_the_schema_refuses(text):
    with pytest.raises(InputError):
        build_settings(parse_document(text, "x"))
    assert list(SCHEMA.iter_errors(yaml.safe_load(text)))


def test_the_schema_lets_helm_write_its_own_key():
    SCHEMA.validate({"global": {}})


def test_every_key_of_the_schema_is_described():
    def walk(schema):
        for name, below in schema.get("properties", {}).items():
            target = SCHEMA.schema["$defs"][below["$ref"].rpartition("/")[2]] if "$ref" in below else below
            assert target.get("description"), name
            walk(target)

    walk(SCHEMA.schema)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2020", "'2020'"),
        ("0.0.0.0", "0.0.0.0"),
        (None, "null"),
        (True, "true"),
        (["a"], "[a]"),
        ({}, "{}"),
        (2.0, "2.0"),
    ],
)
def test_values_are_written_as_yaml_reads_them(value, text):
    assert render_value(value) == text
    assert yaml.safe_load(text) == value


def test_check_writes_nothing_and_names_what_is_stale(tmp_path):
    files = {"a.txt": "new", "b/c.txt": "same"}
    (tmp_path / "b").mkdir()
    (tmp_path / "b/c.txt").write_text("same")
    assert write_files(files, tmp_path, check=True) == ["a.txt"]
    assert not (tmp_path / "a.txt").exists()
    assert write_files(files, tmp_path, check=False) == ["a.txt"]
    assert write_files(files, tmp_path, check=True) == []
