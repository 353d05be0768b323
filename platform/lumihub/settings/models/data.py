"""Settings of the data: release, way, origin and cache."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lumihub.settings.kinds import FilePath, Memory, OriginUrl, Release, Section


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
    cache: DataCache = Field(default_factory=DataCache)
    folder: FilePath | None = Field(
        None,
        description="Where mirrored and cached files lie. null, the default, is `data` in `local.folder`; name a"
        " folder on a larger disk when that one is small. Without Kubernetes alone.",
        examples=["/srv/lumihub-data"],
    )
