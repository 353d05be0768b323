"""What a value may be, for the machine (validators) and for people (`Words`): the types that the models are made of."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    SerializationInfo,
    ValidationInfo,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from lumihub.settings.quantities import parse_memory


class Section(BaseModel):
    """A group of keys: unknown ones are refused, nothing changes after reading."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True, allow_inf_nan=False
    )


@dataclass(frozen=True, slots=True)
class Words:
    """Beside a type: what a person should write there, as it follows "should be" and "Type:"."""

    text: str


class Internal:
    """Beside a type: the key is written by the tool, and no example, reference or explanation shows it."""


def build_broken_rule(message: str, *, key: str, fix: str, involved: tuple[str, ...] = ()) -> PydanticCustomError:
    """The error of a rule that joins several keys, for a model's validator to raise.

    Args:
        message: what is wrong, as it follows the key's path.
        key: the key to name, in camelCase, from the model that raises.
        fix: what to change.
        involved: the other keys of the rule, from the same model; while one of them is at fault, the rule says nothing.
    """
    return PydanticCustomError(
        "broken_rule", "{message}", {"message": message, "key": key, "fix": fix, "involved": involved}
    )


def _check_memory(text: str) -> str:
    if parse_memory(text) == 0:
        raise ValueError("should be more than nothing")
    return text


def _check_server_memory(text: str) -> str:
    if parse_memory(text) < parse_memory("128M"):
        raise ValueError("should be at least 128M")
    return text


def _resolve(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    path = path.expanduser()
    return folder / path if folder is not None else path


def _check_origin(url: str) -> str:
    if "://" not in url and not url.startswith("/"):
        raise ValueError("should be a URL or an absolute folder")
    return url


def _read_time(value: Any) -> Any:
    """YAML takes a bare 22:30 for a number, of sixty minutes an hour; it can only mean the time."""
    return f"{value // 60:02}:{value % 60:02}" if type(value) is int and 60 <= value < 24 * 60 else value


def _check_time_zone(name: str) -> str:
    known = zoneinfo.available_timezones()
    # A machine without that list can't tell; the cluster's API says it then.
    if known and name not in known:
        raise ValueError("should be the name of a time zone")
    return name


def _reveal(secret: SecretStr, info: SerializationInfo) -> str:
    """A secret is only written out for who asks for it by `context={"secrets": True}`."""
    return secret.get_secret_value() if (info.context or {}).get("secrets") else str(secret)


def _read_release(value: Any) -> Any:
    """A bare 2020 is a number in YAML; it can only mean the release."""
    return str(value) if type(value) is int else value


Memory = Annotated[
    str,
    Field(pattern=r"^[0-9]+(\.[0-9]+)?[KMGT]$"),
    AfterValidator(_check_memory),
    Words("an amount with a unit: K, M, G or T (powers of 1024), as in 512M or 2G"),
]
ServerMemory = Annotated[
    Memory,
    AfterValidator(_check_server_memory),
    Words("128M or more, written with a unit: K, M, G or T (powers of 1024), as in 512M or 2G"),
]
Name = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9._@-]{0,63}$"),
    Words("a name of at most 64 small letters, digits, '.', '_', '@' and '-', beginning with a letter or digit"),
]
DayTime = Annotated[
    str,
    Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"),
    BeforeValidator(_read_time),
    Words('a time of day, as in "02:00"'),
]
TimeZone = Annotated[
    str,
    Field(pattern=r"^[A-Z][A-Za-z0-9_+/-]*$"),
    AfterValidator(_check_time_zone),
    Words("the name of a time zone, as in Europe/Paris"),
]
Seconds = Annotated[int, Words("a whole number of seconds")]
FilePath = Annotated[Path, AfterValidator(_resolve), Words("the path of a file or folder")]
OriginUrl = Annotated[
    str,
    AfterValidator(_check_origin),
    Words("a URL (root://..., https://..., any that fsspec knows) or a folder that begins with /"),
]
Release = Annotated[
    Literal["2020", "2025"],
    BeforeValidator(_read_release, json_schema_input_type=Literal["2020", "2025", 2020, 2025]),
]
Secret = Annotated[
    SecretStr,
    Field(min_length=1),
    PlainSerializer(_reveal, when_used="json-unless-none"),
    Words("the secret as it was given to you"),
]

# Kubernetes' own shapes, which its API checks in full.
ObjectName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"),
    Words("the name of an object in the cluster, in small letters, digits, '.' and '-'"),
]
Url = Annotated[str, Field(pattern=r"^https?://[^ ]+$"), Words("a URL that begins with https:// (or http://)")]
HostName = Annotated[
    str, Field(pattern=r"^(\*\.)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"), Words("a host name, as in hub.example.org")
]
Environment = Annotated[dict[str, str], Words("a group of names, each with text")]
Labels = Annotated[dict[str, str], Words("a group of labels, each with text")]
Annotations = Annotated[dict[str, str], Words("a group of annotations, each with text")]
NodeSelector = Annotated[dict[str, str], Words("a group of labels that a node must have, each with text")]
Tolerations = Annotated[
    tuple[dict[str, Any], ...], Words("a list of tolerations, as in [{key: school, operator: Exists}]")
]
Volumes = Annotated[tuple[dict[str, Any], ...], Words("a list of Kubernetes volumes, each with a name")]
VolumeMounts = Annotated[
    tuple[dict[str, Any], ...], Words("a list of mounts, as in [{name: lessons, mountPath: /srv/lessons}]")
]
PolicyRules = Annotated[tuple[dict[str, Any], ...], Words("a list of a NetworkPolicy's rules")]
StorageClass = Annotated[ObjectName, Words("the name of a StorageClass")]
