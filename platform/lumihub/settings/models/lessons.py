"""Settings of the lessons."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lumihub.settings.kinds import FilePath, Section


class Lessons(Section):
    """The notebooks that students find in their home."""

    language: Literal["en"] = Field("en", description="Language of the lessons. `en` is English.")
    folder: FilePath | None = Field(
        None,
        description="A folder of notebooks of your own, copied into every home beside the lessons. null, the default,"
        " adds none. To a cluster `up` brings what is in it then, about a megabyte at most.",
        examples=["/srv/our-lessons"],
    )
