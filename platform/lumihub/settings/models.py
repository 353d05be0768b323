"""Every setting, with its meaning, unit, default and the reason for it.

The single source: `values.example.yaml`, the chart's schema, the values reference and `explain` are made from these
models. Keys that mean what zero-to-jupyterhub's keys mean carry its names.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from lumihub.settings.kinds import (
    FilePath,
    Memory,
    Name,
    OriginUrl,
    Release,
    Seconds,
    Section,
    ServerMemory,
    Words,
    build_broken_rule,
)


def _check_different(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("should name each account once")
    return names


class NativeAuth(Section):
    """Accounts that the hub keeps itself, with a user name and a password."""

    signup: Literal["approval", "open", "closed"] = Field(
        "approval",
        description="Who may make an account at the login page. `approval`: anybody asks there and an admin approves"
        " at /hub/authorize; the default, because nobody gets in unseen and nobody has to type a roster. `open`:"
        " anybody who reaches the page is in at once; only for a closed network. `closed`: the page makes no accounts,"
        " `./deploy.py users add` does.",
    )
    minimum_password_length: int = Field(
        8,
        ge=8,
        le=64,
        description="Shortest password that is accepted, in characters. Fewer than 8 are too quickly guessed.",
    )


class Auth(Section):
    """Who may log in."""

    type: Literal["native"] = Field(
        "native",
        description="How people log in. `native`: with a user name and a password that the hub keeps; it needs no"
        " other service.",
    )
    admins: Annotated[
        tuple[Name, ...],
        AfterValidator(_check_different),
        Words("a list of different names, each of small letters, digits, '.', '_' and '-', as in [admin, mara]"),
    ] = Field(
        ("admin",),
        min_length=1,
        description="Accounts that may approve students, see who is logged in and stop servers. `up` makes them and"
        " shows each password once.",
    )
    native: NativeAuth = Field(default_factory=NativeAuth)


class Hub(Section):
    """JupyterHub itself."""

    config: Annotated[
        dict[str, dict[str, Any]],
        Words(
            "a group of JupyterHub's classes, each with its options, as in {JupyterHub: {init_spawners_timeout: 20}}"
        ),
    ] = Field(
        default_factory=dict,
        description="Any JupyterHub option, by class and name. For what the other keys don't offer: applied last, so"
        " that it wins over everything else.",
    )
    concurrent_spawn_limit: int = Field(
        64,
        ge=1,
        description="How many servers may be starting at the same moment; who comes next is asked to try again"
        " shortly. A whole class fits; JupyterHub's own 100 is more than one machine starts at once.",
    )
    active_server_limit: int = Field(
        0,
        ge=0,
        description="How many servers may run at the same time, admins' included. 0, the default, sets no limit; a"
        " number keeps a machine with little memory usable for those who are in.",
    )


class Certificate(Section):
    """A certificate of your own."""

    key: FilePath = Field(description="File with the private key (PEM).", examples=["/etc/ssl/private/hub.key"])
    cert: FilePath = Field(
        description="File with the certificate, followed by those of its issuers (PEM).",
        examples=["/etc/ssl/certs/hub.pem"],
    )


class Https(Section):
    """Encrypted connections to the hub."""

    enabled: bool = Field(
        False,
        description="Serve https:// instead of http://. Off by default, because it needs a certificate (`manual`);"
        " switch it on wherever people you don't know share the network, for passwords travel readable without it.",
    )
    manual: Certificate | None = Field(
        None, description="The certificate to serve, from your institution or an authority."
    )

    @model_validator(mode="after")
    def _needs_certificate(self) -> Self:
        if self.enabled and self.manual is None:
            raise build_broken_rule(
                "is true but there is no certificate to serve",
                key="enabled",
                fix="set proxy.https.manual.key and proxy.https.manual.cert, or set proxy.https.enabled to false",
                involved=("manual",),
            )
        return self


class Proxy(Section):
    """The address that browsers open."""

    address: Annotated[str, Words("an IP address or a host name of this machine")] = Field(
        "0.0.0.0",  # noqa: S104
        pattern=r"^([A-Za-z0-9.-]+|[0-9a-fA-F:]+)$",
        description="Address of this machine to listen on. The default lets the whole network in, because a class sits"
        " at other machines; 127.0.0.1 keeps the hub to this one.",
        examples=["127.0.0.1"],
    )
    port: int = Field(
        8000,
        ge=1,
        le=65535,
        description="Port to listen on. The default needs no rights; browsers take 80 (443 with https) without being"
        " told, but ports below 1024 need root.",
    )
    https: Https = Field(default_factory=Https)


class SingleuserMemory(Section):
    """Memory of one student's server."""

    limit: ServerMemory | None = Field(
        "2G",
        description="Most memory that a student's server may take, kernels and Dask workers together. Beyond it a"
        " kernel of this student is ended and the others work on. The default holds the lessons with room to spare;"
        " null sets no limit.",
    )


class SingleuserCpu(Section):
    """Processor time of one student's server."""

    limit: float | None = Field(
        2.0,
        gt=0,
        description="Most processor cores that a student's server may use at once; Dask starts as many workers. The"
        " default leaves the rest of the machine to the class; null sets no limit.",
    )


class Singleuser(Section):
    """A student's server."""

    memory: SingleuserMemory = Field(default_factory=SingleuserMemory)
    cpu: SingleuserCpu = Field(default_factory=SingleuserCpu)
    default_url: Annotated[str, Words("the path of a page, beginning with /")] = Field(
        "/lab",
        pattern="^/",
        description="The page where a student lands after logging in: JupyterLab by default.",
        examples=["/lab/tree/lessons"],
    )
    extra_env: dict[str, str] = Field(
        default_factory=dict,
        description="More environment variables in every student's server, such as a campus proxy. Numbers need"
        " quotes.",
        examples=[{"HTTPS_PROXY": "http://proxy.example.org:3128"}],
    )


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


class Origin(Section):
    """Where the files come from."""

    url: OriginUrl = Field(
        "root://eospublic.cern.ch//eos/opendata/atlas",
        description="The folder that holds OutreachDatasets/ and rucio/, as at CERN, which is the default. Or a copy"
        " nearer to you: root://, https://, a folder of this machine, or any URL that fsspec knows, S3 included."
        " https://opendata.cern.ch/eos/opendata/atlas passes where port 1094 is closed.",
        examples=["https://opendata.cern.ch/eos/opendata/atlas", "/srv/opendata"],
    )
    manifest: FilePath | None = Field(
        None,
        description="Manifest (sizes and checksums) of an origin of your own, made by `./deploy.py data manifest`."
        " null, the default, holds every file against what CERN published.",
        examples=["/srv/opendata/manifest.json"],
    )


class Cache(Section):
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
        description="Port of the cache. Only readers on this machine are let in; others are turned away.",
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
        " root:// origin and Debian's xrootd-server on this machine; `up` says so and streams where one is missing."
        " `mirror`: only files that `./deploy.py data fetch` brought whole are read; for a class without internet.",
    )
    offline: Literal["simulated", "fail"] = Field(
        "simulated",
        description="What `up` does when the origin does not answer. `simulated`: start with the built-in simulated"
        " sample, named as such on every page and plot, so that a lesson never fails on a cable. `fail`: stop and say"
        " so.",
    )
    origin: Origin = Field(default_factory=Origin)
    cache: Cache = Field(default_factory=Cache)
    folder: FilePath | None = Field(
        None,
        description="Where mirrored and cached files lie. null, the default, is `data` in `local.folder`; name a"
        " folder on a larger disk when that one is small.",
        examples=["/srv/lumihub-data"],
    )


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
        " adds none.",
        examples=["/srv/our-lessons"],
    )


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


class Kubernetes(Section):
    """Running on a Kubernetes cluster. This version does not drive one yet: leave `context` at null."""

    context: Annotated[str, Words("the name of a context")] | None = Field(
        None,
        min_length=1,
        description="Which cluster, by its context in the kubeconfig (`kubectl config get-contexts`). null, the"
        " default, is this machine alone, without Kubernetes.",
    )
    namespace: Annotated[str, Words("at most 63 small letters, digits and '-', beginning with a letter")] = Field(
        "lumihub",
        pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
        description="Namespace of the hub, the proxy and the cache.",
    )
    release: Annotated[str, Words("at most 53 small letters, digits and '-', beginning with a letter")] = Field(
        "lumihub", pattern=r"^[a-z]([a-z0-9-]{0,51}[a-z0-9])?$", description="Name of the Helm release."
    )


class Settings(Section):
    """The whole values file. An empty one is valid: every key has a default."""

    auth: Auth = Field(default_factory=Auth)
    hub: Hub = Field(default_factory=Hub)
    proxy: Proxy = Field(default_factory=Proxy)
    singleuser: Singleuser = Field(default_factory=Singleuser)
    cull: Cull = Field(default_factory=Cull)
    data: Data = Field(default_factory=Data)
    dask: Dask = Field(default_factory=Dask)
    lessons: Lessons = Field(default_factory=Lessons)
    local: Local = Field(default_factory=Local)
    kubernetes: Kubernetes = Field(default_factory=Kubernetes)

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.kubernetes.context is None and self.data.mode == "cache" and self.proxy.port == self.data.cache.port:
            raise build_broken_rule(
                f"is {self.data.cache.port}, the port that browsers open too (proxy.port)",
                key="data.cache.port",
                fix="give data.cache.port another number, or leave it out",
                involved=("proxy.port", "data.mode", "kubernetes.context"),
            )
        return self


__all__ = ["Section", "Settings"]
