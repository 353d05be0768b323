"""Settings of the backend of one machine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lumihub.settings.kinds import FilePath, Section, Words


class Local(Section):
    """Running on this machine alone, without Kubernetes."""

    folder: FilePath | None = Field(
        None,
        description="Where homes, data, logs and the hub's database live. null, the default, is /var/lib/lumihub as"
        " root and ~/.local/share/lumihub otherwise.",
        examples=["/srv/lumihub"],
    )
    accounts: Literal["auto", "system", "shared"] = Field(
        "auto",
        description="Whom students' servers run as. `system`: each student has an unprivileged account of the"
        " operating system and can't read the others' files; needs root. `shared`: all run as the one who typed `up`,"
        " and can read each other's files. `auto`, the default, takes `system` as root and `shared` otherwise.",
    )
    account_prefix: Annotated[str, Words("at most 8 small letters, digits and '-', beginning with a letter")] = Field(
        "lh-",
        pattern=r"^[a-z][a-z0-9-]{0,7}$",
        description="What the names of those system accounts begin with, before the student's name, so that they never"
        " meet an account that was there before.",
    )
