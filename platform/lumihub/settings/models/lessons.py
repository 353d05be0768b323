"""Settings of the lessons."""

from __future__ import annotations

import os
from typing import Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from lumihub.settings.kinds import FilePath, Section, build_broken_rule


class Lessons(Section):
    """The notebooks that students find in their home."""

    language: Literal["en"] = Field("en", description="Language of the lessons. `en` is English.")
    folder: FilePath | None = Field(
        None,
        description="A folder of notebooks of your own, copied into every home beside the lessons. null, the default,"
        " adds none. To a cluster `up` brings what is in it then, about a megabyte at most.",
        examples=["/srv/our-lessons"],
    )

    @model_validator(mode="after")
    def _folder_is_there(self, info: ValidationInfo) -> Self:
        if self.folder is None or not (info.context or {}).get("folders"):
            return self
        # Asked in this order: the second raises where the way to the folder is closed.
        if not os.access(self.folder, os.R_OK | os.X_OK) or not self.folder.is_dir():
            raise build_broken_rule(
                f"is {self.folder}, and no folder can be read there",
                key="folder",
                fix="name one that is there, or leave the key out",
            )
        return self
