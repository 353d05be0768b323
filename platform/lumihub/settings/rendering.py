"""The faces of the models: the example file, the reference page, the chart's values and its schema. All pure."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import yaml

from lumihub.settings.keys import build_keys
from lumihub.settings.models import Settings
from lumihub.settings.renamed import RENAMED, describe_renamed

if TYPE_CHECKING:
    from lumihub.settings.keys import Key

_WIDTH = 100

_EXAMPLE_HEAD = """\
# Every setting of LumiHub, with its default.
#
# Nothing of this is needed: `./deploy.py up` runs without a file. To change something, write values.yaml beside
# deploy.py (`./deploy.py init` asks and writes it) with those keys alone, under the same sections, and type
# `./deploy.py up` again. `./deploy.py validate` finds every fault, `./deploy.py explain KEY` explains a key.
# Relative paths start at the folder of the values file.
"""

_CHART_HEAD = """\
# The chart's defaults. Made from platform/lumihub/settings/models by `python -m lumihub.settings.generate`; change them
# there. Meanings with what may be written and examples: values.example.yaml and docs/reference/values.md.
"""

_DEPLOYMENT_HEAD = """
# -- What deploy.py found out and tells the chart; leave it out.
"""

_REFERENCE_HEAD = """\
# Values

<!-- Made from platform/lumihub/settings/models by `python -m lumihub.settings.generate`; change it there. -->

Every key of the values file. All have a default, so the file needs only what you want otherwise, and none at all to
begin with. `./deploy.py init` writes one, `./deploy.py validate` finds its faults, `./deploy.py explain KEY` shows one
key with the value that holds now. Relative paths start at the folder of the values file.
[values.example.yaml](../../values.example.yaml) has the same keys as a file to copy from.
"""


def build_example() -> str:
    """`values.example.yaml`: every key with its default, explained."""
    return _EXAMPLE_HEAD + "".join("\n" + "\n".join(_render_example(key, "")) + "\n" for key in build_keys())


def build_chart_values() -> str:
    """`values.yaml` of the chart: the same defaults, commented as charts are, and what the tool writes itself."""
    sections = ("\n" + "\n".join(_render_chart_value(key, "")) + "\n" for key in build_keys())
    deployment = {"deployment": Settings().deployment.model_dump(mode="json", by_alias=True)}
    return _CHART_HEAD + "".join(sections) + _DEPLOYMENT_HEAD + yaml.safe_dump(deployment, sort_keys=False)


def build_renamed() -> str:
    """`renamed.yaml` of the chart: what its templates say to keys of zero-to-jupyterhub."""
    return yaml.safe_dump({path: describe_renamed(path) for path in RENAMED}, sort_keys=False, width=1000)


def build_reference() -> str:
    """The reference page of all keys, in Markdown: a table a section."""
    return _REFERENCE_HEAD + "".join("\n" + "\n".join(_render_section(key)) + "\n" for key in build_keys())


def build_schema() -> dict[str, Any]:
    """The JSON schema of the values file, with which Helm refuses what the models refuse."""
    schema: dict[str, Any] = _without_titles(Settings.model_json_schema(by_alias=True))
    # Helm itself writes this key into the values of every chart that has, or is, a subchart.
    schema["properties"]["global"] = {"type": "object", "description": "Helm's own; LumiHub reads nothing of it."}
    for path in RENAMED:
        _let_through(schema, path)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def render_value(value: Any) -> str:
    """A value as it is written in YAML, on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _render_example(key: Key, indent: str) -> list[str]:
    lines = _comment(key.meaning, indent)
    if key.keys and not key.optional_section:
        lines.append(f"{indent}{key.name}:")
        for below in key.keys:
            lines += _render_example(below, indent + "  ")
        return lines
    if key.optional_section:
        lines += _comment("null for none, or:", indent)
        lines += [f"{indent}#   {below.name}: {render_value(below.examples[0])}" for below in key.keys]
    else:
        lines += _comment(f"May be {key.expected}.", indent)
        lines += [f"{indent}# For example {key.name}: {render_value(example)}" for example in key.examples]
    return [*lines, f"{indent}{key.name}: {render_value(key.default)}"]


def _render_chart_value(key: Key, indent: str) -> list[str]:
    lines = _comment(key.meaning, indent, mark="-- ")
    if not key.keys or key.optional_section:
        return [*lines, f"{indent}{key.name}: {render_value(key.default)}"]
    lines.append(f"{indent}{key.name}:")
    for below in key.keys:
        lines += _render_chart_value(below, indent + "  ")
    return lines


def _comment(text: str, indent: str, mark: str = "") -> list[str]:
    lead = f"{indent}# "
    return textwrap.wrap(
        text, _WIDTH, initial_indent=lead + mark, subsequent_indent=lead, break_long_words=False, break_on_hyphens=False
    )


def _render_section(section: Key) -> list[str]:
    lines = [f"## {section.path}", "", section.meaning, "", "| Key | May be | Default | Meaning |", "|---|---|---|---|"]
    for key in section.walk():
        if key.keys and not key.optional_section:
            continue
        default = "must be given" if key.required else f"`{render_value(key.default)}`"
        examples = "".join(f" For example `{render_value(example)}`." for example in key.examples)
        cells = (f"`{key.path}`", key.expected, default, key.meaning + examples)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def _let_through(schema: dict[str, Any], path: str) -> None:
    """Let a renamed key pass: the chart's templates say its new name, where a schema can only call it unknown."""
    *sections, name = path.split(".")
    here = schema
    for section in sections:
        here = schema["$defs"][here["properties"][section]["$ref"].rpartition("/")[2]]
    here["properties"][name] = {"description": f"{describe_renamed(path)}.", "deprecated": True}


def _without_titles(schema: Any) -> Any:
    """pydantic's titles repeat the keys. (A property that is called `title` would be a mapping, and stays.)"""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _without_titles(value)
        for name, value in schema.items()
        if not (name == "title" and isinstance(value, str)) and not (name == "format" and value == "path")
    }
