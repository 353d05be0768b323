"""Settings of the data: release, way, origin and cache."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lumihub.settings.kinds import DayTime, FilePath, Memory, OriginUrl, Release, Section, TimeZone, Words


class Origin(Section):
    """Where the files come from."""

    url: OriginUrl = Field(
        "root://eospublic.cern.ch//eos/opendata/atlas",
        description="The folder that holds OutreachDatasets/ and rucio/, as at CERN, which is the default. Or a copy"
        " nearer to you: root://, https:// (a bucket of S3 by its web address too), or a folder of this machine."
        " https://opendata.cern.ch/eos/opendata/atlas passes where port 1094 is closed.",
        examples=["https://opendata.cern.ch/eos/opendata/atlas", "/srv/opendata"],
    )
    manifest: FilePath | None = Field(
        None,
        description="Manifest (sizes and checksums) of an origin of your own, made by `./deploy.py data manifest`."
        " null, the default, holds every file against what CERN published.",
        examples=["/srv/opendata/manifest.json"],
    )


class DataCache(Section):
    """The data cache (an XRootD proxy file cache) between students and a slow link."""

    size: Memory = Field(
        "50G",
        description="Most disk that the cache may take; the files read longest ago go first. The default holds what"
        " the lessons read several times over. `data.mode: stream` goes without a cache.",
    )
    port: int = Field(
        11094,
        ge=1024,
        le=65535,
        description="Port of the cache. Only readers on this machine are let in; others are turned away."
        " Without Kubernetes alone; there it is 1094.",
    )


class Nightly(Section):
    """What the cache is filled with every night, by the platform itself: nobody has to type or to stay logged in."""

    collections: Annotated[tuple[str, ...], Words("a list of collections, as in [4lep]")] = Field(
        (),
        description="Collections that are whole in the cache in the morning. What is there already does not come"
        " again.",
    )
    analyses: Annotated[tuple[str, ...], Words("a list of analyses, as in [higgs-4l]")] = Field(
        (),
        description="The same for what analyses read. Nothing happens at night while both lists are empty, which is the"
        " default.",
    )
    at: DayTime = Field("02:00", description="When it begins.")
    hours: int = Field(
        5,
        ge=1,
        le=24,
        description="Hours that it may take; what has not come by then comes the next night, so that the link is free"
        " when the class begins. A machine or cluster that was off begins as soon as it is on within these hours.",
    )
    time_zone: TimeZone | None = Field(
        None,
        description="The time zone of `at`. null, the default, is the machine's own on one machine, and UTC on a"
        " cluster.",
        examples=["Europe/Paris"],
    )

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do at night."""
        return bool(self.collections or self.analyses)


class Data(Section):
    """Which data students read, and how it gets to them."""

    release: Release = Field(
        "2020",
        description="Release of the ATLAS Open Data that students read. The default is the one that the lessons are"
        " written for.",
    )
    mode: Literal["stream", "cache", "mirror"] = Field(
        "cache",
        description="How bytes travel. `stream`: every read goes to the origin; takes no disk. `cache`: what one"
        " student read is kept for the next; the default, because each byte crosses the slow link once. It takes a"
        " root:// origin and, without Kubernetes, Debian's xrootd-server on this machine; `up` says so and streams"
        " where one is missing. `mirror`: only files that `./deploy.py data fetch` brought whole are read; for a class"
        " without internet; without Kubernetes alone.",
    )
    offline: Literal["simulated", "fail"] = Field(
        "simulated",
        description="What `up` does when the origin does not answer. `simulated`: start with the built-in simulated"
        " sample, named as such on every page and plot, so that a lesson never fails on a cable. `fail`: stop and say"
        " so.",
    )
    origin: Origin = Field(default_factory=Origin)
    ca_bundle: FilePath | None = Field(
        None,
        description="PEM file with the certificates of your institution's own authority, where an https:// origin or"
        " S3 storage shows such a one. The cache and `./deploy.py data` trust it beside the public ones; null, the"
        " default, trusts those alone.",
        examples=["/etc/ssl/school-ca.pem"],
    )
    cache: DataCache = Field(default_factory=DataCache)
    nightly: Nightly = Field(default_factory=Nightly)
    folder: FilePath | None = Field(
        None,
        description="Where mirrored and cached files lie. null, the default, is `data` in `local.folder`; name a"
        " folder on a larger disk when that one is small. Without Kubernetes alone.",
        examples=["/srv/lumihub-data"],
    )
