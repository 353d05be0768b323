"""The Kubernetes programs: built once from the Go modules in `programs/`, kept in the user's cache folder.

One folder there holds one `go.mod` with `tool` lines for all programs that share their dependencies. What is built is
named by a hash of everything it is built from, so a changed version is built anew beside the old one. What only a
benchmark needs is no part of that hash.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.machine.golang import ensure_go
from cluster.machine.layout import CACHE, MACHINE
from lumihub.errors import LumiHubError
from lumihub.process import find_program

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCES = MACHINE / "programs"
# Program -> the Debian package that has it.
DEBIAN = {
    "/bin/busybox": "busybox-static",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "conntrack": "conntrack",
    "containerd": "containerd",
    "etcd": "etcd-server",
    "ip": "iproute2",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "runc": "runc",
}
ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false -trimpath -mod=readonly", "GOWORK": "off"}
# No debugging information and no inlining: 38% less time of the compiler, for programs that serve no class.
COMPILER_FLAGS = "all=-dwarf=false -l"
# Seconds between two lines of progress.
PATIENCE = 20


@dataclass(frozen=True, slots=True)
class Module:
    """One folder of `programs/`: the program names that come of its `tool` lines, in alphabetical order of those."""

    folder: str
    names: tuple[str, ...]

    @property
    def definition(self) -> str:
        """The text of its go.mod."""
        return (SOURCES / self.folder / "go.mod").read_text()

    @property
    def tools(self) -> list[str]:
        """The packages that its `tool` lines name."""
        return sorted(re.findall(r"^(?:tool |\t)(\S+/\S+)$", self.definition, re.MULTILINE))

    def version_of(self, path: str) -> str:
        """The version of the module at `path`, as its go.mod requires it."""
        found = re.search(rf"^(?:require )?\s*{re.escape(path)} (v\S+)", self.definition, re.MULTILINE)
        if not found:
            raise LumiHubError(f"{path} is not among the requirements", where=f"{self.folder}/go.mod")
        return found[1]


KUBERNETES = Module(
    "kubernetes",
    ("kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet"),
)
# What stands around Kubernetes, on one version of its libraries, so that those are compiled once.
COMPANIONS = Module("companions", ("local-path-provisioner", "helm", "coredns", "kube-network-policies"))
# What renders the chart is in these two, and needs no cluster.
HELMS = (COMPANIONS, Module("helm3", ("helm3",)))
MODULES = (KUBERNETES, *HELMS)
# Simulated nodes, for the benchmark that asks for them.
KWOK = Module("kwok", ("kwok",))
# A server of object storage, for the tests that bring data into one.
S3 = Module("s3", ("versitygw",))


def find_missing_packages() -> list[str]:
    """The Debian packages that the cluster needs and that are not here."""
    return sorted({package for program, package in DEBIAN.items() if find_program(program) is None})


def build_key(modules: Sequence[Module]) -> str:
    """What names the folder of these modules' programs: a hash of all that they are built from."""
    flags = [COMPILER_FLAGS, *(_linker_flags(module) for module in modules)]
    digest = hashlib.sha256(json.dumps([os.uname().machine, ENVIRONMENT, flags]).encode())
    files = (path for module in modules for path in (SOURCES / module.folder).rglob("*") if path.is_file())
    for path in sorted(files):
        digest.update(path.relative_to(SOURCES).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def find_programs(modules: Sequence[Module] = MODULES) -> Path:
    """The folder of these programs, built or not: one for all of the cluster, others have their own."""
    return CACHE / build_key(MODULES if set(modules) <= set(MODULES) else modules) / "bin"


def ensure_programs(modules: Sequence[Module] = MODULES) -> Path:
    """Build what is not built yet (about 15 minutes for everything on two cores) and return the folder.

    Several runs may call this at once: the first builds, the others wait for it. Interrupted, it goes on where it was.

    Args:
        modules: those whose programs are wanted.
    """
    folder = find_programs(modules)
    if _missing(folder, modules):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder.parent / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _say("waiting for another run, which builds the programs")
                fcntl.flock(lock, fcntl.LOCK_EX)
            for module in _missing(folder, modules):
                _build(module, folder)
    return folder


def _missing(folder: Path, modules: Sequence[Module]) -> list[Module]:
    return [module for module in modules if not all((folder / name).exists() for name in module.names)]


def _linker_flags(module: Module) -> str:
    if module is not KUBERNETES:
        return "-s -w"
    version = module.version_of("k8s.io/kubernetes")
    major, minor, _ = version[1:].split(".")
    facts = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s -w", *(f"-X k8s.io/component-base/version.{key}={value}" for key, value in facts.items())])


def _build(module: Module, folder: Path) -> None:
    begin = time.monotonic()
    go = ensure_go([module.definition])
    environment = {**os.environ, **ENVIRONMENT, "GOBIN": ""}
    where = SOURCES / module.folder
    _say(f"{module.folder}: fetching its modules")
    needed: set[str] = set()
    for package in module.tools:  # one by one: two of them write the same dependency in upper and in lower case
        needed.update(_output([go, "list", "-deps", package], where, environment).splitlines())
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="making-") as place:
        # With `go build -o FOLDER/` the last word of a package's path would be the program's name.
        for package, name in zip(module.tools, module.names, strict=True):
            flags = [f"-gcflags={COMPILER_FLAGS}", f"-ldflags={_linker_flags(module)}"]
            command = [go, "build", "-v", *flags, "-o", Path(place, name), package]
            _compile([str(word) for word in command], name, len(needed), where, environment)
            Path(place, name).replace(folder / name)
    _say(f"{module.folder}: built in {time.monotonic() - begin:.0f} s")


def _output(command: list[str | Path], where: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=where, env=environment, stdout=subprocess.PIPE, check=False, text=True)
    if done.returncode != 0:
        raise LumiHubError(
            f"go failed with exit code {done.returncode}; its own words are above",
            where=" ".join(str(word) for word in command),
        )
    return done.stdout


def _compile(command: list[str], name: str, total: int, where: Path, environment: dict[str, str]) -> None:
    """Run one build; `go build -v` names each package on stderr when it begins to compile it."""
    compiled, words, said = 0, [], time.monotonic()
    with subprocess.Popen(command, cwd=where, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if re.fullmatch(r"[\w./~-]+", line.strip()):
                compiled += 1
            else:
                words.append(line)
            if time.monotonic() - said > PATIENCE:
                _say(f"{name}: {compiled} packages compiled (of {total} in its module, less what is cached)")
                said = time.monotonic()
    if process.returncode != 0:
        raise LumiHubError(f"{name} could not be built: {''.join(words)[-2000:].strip()}", where=" ".join(command))


def _say(words: str) -> None:
    sys.stderr.write(f"… {words}\n")
    sys.stderr.flush()
