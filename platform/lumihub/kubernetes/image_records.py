"""What was pushed to which registry: remembered in the user's data folder, so that a release names exactly that."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

_FILE = "pushed-images.json"


@dataclass(frozen=True, slots=True)
class Pushed:
    """An image in a registry.

    Attributes:
        digest: sha256:... of its manifest, by which nodes pull exactly this one.
        time: when it was pushed, ISO 8601 in UTC.
    """

    digest: str
    time: str


def find_records() -> Path:
    """The file that remembers."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share", "lumihub", _FILE)


def load_pushed() -> dict[str, Pushed]:
    """What was pushed, by its reference with the tag. A file that is lost or broken remembers nothing."""
    try:
        stored = json.loads(find_records().read_bytes())
        return {reference: Pushed(str(one["digest"]), str(one["time"])) for reference, one in stored.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def save_pushed(reference: str, pushed: Pushed) -> None:
    """Remember one more; the file is there whole or as it was."""
    file = find_records()
    file.parent.mkdir(parents=True, exist_ok=True)
    records = load_pushed() | {reference: pushed}
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(json.dumps({name: asdict(one) for name, one in sorted(records.items())}, indent=1) + "\n", "utf-8")
    fresh.replace(file)
