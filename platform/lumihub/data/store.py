"""The seam of the data verbs: one machine and a cluster answer the same questions, each in its own way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lumihub.data.cached import CachedFile
    from lumihub.data.nightly import NightlyState
    from lumihub.data.records import DataFile
    from lumihub.data.work import Report, WorkOrder
    from lumihub.progress import Progress


@dataclass(frozen=True)
class CacheContents:
    """What is in a cache, and what readers got through it.

    Attributes:
        files: that are in it, whole or in part.
        consumption: bytes that were hit, missed and bypassed, by path; also of files that are gone. None where nobody
            counts them apart from the files.
        pinned: bytes of the files that stay when others are cleared up, by path; also of those not in the cache yet.
    """

    files: tuple[CachedFile, ...]
    consumption: dict[str, dict[str, int]] | None = None
    pinned: dict[str, int] = field(default_factory=dict)


class DataStore(Protocol):
    """Where data of an installation lie and are worked on.

    Attributes:
        cache_url: what pods or processes that do the work call the origin's folder as the cache shows it.
    """

    cache_url: str

    def contents(self) -> CacheContents:
        """What is in the cache.

        Raises:
            LumiHubError: there is no cache, or it does not run.
        """

    def evict(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Throw files out of the cache, so that they come from the origin anew; those that were there."""

    def pin(self, files: Sequence[DataFile]) -> None:
        """Hold files when others are cleared up.

        Raises:
            InputError: the cache of this place cannot.
        """

    def unpin(self, paths: Sequence[str]) -> None:
        """Hold files no longer."""

    def work(self, order: WorkOrder, progress: Progress) -> Report:
        """Carry out an order, going on with what was begun.

        Raises:
            LumiHubError: it could not be begun, or broke off; what is wrong with single files is in the report.
        """

    def nightly(self) -> NightlyState | None:
        """What is done every night, None where nothing is."""

    def stop(self) -> bool:
        """End work that goes on by itself; False where there is none."""
