"""Settings of lessons and of Dask in a student's server."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lumihub.settings.kinds import FilePath, Section


class Dask(Section):
    """Dask in a student's server."""

    enabled: bool = Field(
        True,
        description="Whether lessons may start Dask workers. false runs everything in one process: slower, less"
        " memory.",
    )
    max_workers: int = Field(
        4,
        ge=1,
        description="Most worker processes of one student. Each takes a core of `singleuser.cpu.limit` and about 500M"
        " of `singleuser.memory.limit`; where they don't fit, fewer start.",
    )


class Lessons(Section):
    """The notebooks that students find in their home."""

    language: Literal["en"] = Field("en", description="Language of the lessons. `en` is English.")
    folder: FilePath | None = Field(
        None,
        description="A folder of notebooks of your own, copied into every home beside the lessons. null, the default,"
        " adds none. Without Kubernetes alone.",
        examples=["/srv/our-lessons"],
    )
