"""Settings of the culler."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from lumihub.settings.kinds import Seconds, Section, build_broken_rule


class Cull(Section):
    """Ends servers that nobody uses, so that memory is free for those who work."""

    enabled: bool = Field(
        True,
        description="Whether idle servers are ended at all. Files stay when one is ended; variables in kernels do not.",
    )
    timeout: Seconds = Field(
        3600,
        ge=60,
        description="Seconds without activity after which a server is ended. The default, one hour, outlasts a break"
        " between two lessons. `cull.enabled: false` ends none.",
    )
    every: Seconds = Field(
        300,
        ge=10,
        description="Seconds between two looks for idle servers; a server may live that much longer than `timeout`.",
    )
    max_age: Seconds = Field(
        0,
        ge=0,
        description="Seconds after which even a busy server is ended; 0, the default, is never, for it interrupts"
        " work.",
    )

    @model_validator(mode="after")
    def _looks_often_enough(self) -> Self:
        if self.every > self.timeout:
            raise build_broken_rule(
                f"is {self.every} s, longer than cull.timeout ({self.timeout} s), so idle servers would outlive it",
                key="every",
                fix=f"set cull.every to at most {self.timeout}, or lengthen cull.timeout",
                involved=("timeout",),
            )
        return self
