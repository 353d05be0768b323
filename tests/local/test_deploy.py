"""`deploy.py` for real: a small project of the same shape, whose lock file names packages of a registry on loopback."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lumihub.environment.installation import UV, ensure_uv
from servers.registry import Registry, build_wheel

PROJECT = Path(__file__).resolve().parents[2]
# What the small project's command line does in place of the verbs: say where it runs and what it was told.
COMMAND_LINE = """
import sys, greeting

def main():
    print(sys.prefix, greeting.VERSION, *sys.argv)
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts a file system or makes a namespace")


@dataclass
class Machine:
    """A home with its caches, and how `deploy.py` is called in it."""

    home: Path
    registry: Registry
    python: Path = Path(sys._base_executable)  # type: ignore[attr-defined]
    variables: dict[str, str] = field(default_factory=dict)

    def start(self, project: Path, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        settings = self.home / "pip.conf"
        settings.write_text(f"[global]\nindex-url = {self.registry.url}/simple\n")
        named = {"PATH": os.environ["PATH"], "HOME": str(self.home), "PIP_CONFIG_FILE": str(settings)}
        return subprocess.Popen(
            [*before, self.python, project / "deploy.py", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=named | self.variables,
            cwd=self.home,
            start_new_session=True,
        )

    def call(self, project: Path, *arguments: str, before: tuple[str, ...] = ()) -> tuple[int, str, str]:
        process = self.start(project, *arguments, before=before)
        stdout, stderr = process.communicate(timeout=60)
        return process.returncode, stdout, stderr


@pytest.fixture(scope="session")
def uv() -> Path:
    with Path(os.devnull).open() as nothing:
        return ensure_uv(nothing.fileno())


@pytest.fixture(scope="session")
def wheels(uv, tmp_path_factory) -> Path:
    """uv itself, and two versions of a package that the project needs."""
    folder = tmp_path_factory.mktemp("wheels")
    build_wheel(folder / "simple", "uv", UV, {f"uv-{UV}.data/scripts/uv": uv.read_bytes()})
    for version in ("1.0", "2.0"):
        files = {"greeting/__init__.py": f"VERSION = '{version}'\n".encode()}
        files |= {f"greeting/part{number}.py": os.urandom(8192).hex().encode() for number in range(64)}
        build_wheel(
            folder / "simple", "greeting", version, {k: (b"#" if "part" in k else b"") + v for k, v in files.items()}
        )
    return folder


@pytest.fixture
def registry(wheels):
    server = Registry(wheels)
    yield server
    server.stop()


@pytest.fixture
def machine(tmp_path, registry, uv) -> Machine:
    """One whose first call already brought uv."""
    cache = tmp_path / "home/.cache/lumihub"
    cache.mkdir(parents=True)
    (cache / uv.name).hardlink_to(uv) if cache.stat().st_dev == uv.stat().st_dev else shutil.copy2(uv, cache / uv.name)
    return Machine(tmp_path / "home", registry)


@pytest.fixture
def project(tmp_path, registry, uv) -> Path:
    return build_project(tmp_path / "project", registry, uv)


def build_project(folder: Path, registry: Registry, uv: Path, version: str = "1.0") -> Path:
    rooms = folder / "platform/lumihub"
    if not folder.exists():
        shutil.copytree(PROJECT / "platform/lumihub/environment", rooms / "environment")
        for name in ("__init__.py", "errors.py"):
            shutil.copy2(PROJECT / "platform/lumihub" / name, rooms)
        (rooms / "cli").mkdir()
        (rooms / "cli/main.py").write_text(COMMAND_LINE)
        shutil.copy2(PROJECT / "deploy.py", folder)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "lumihub"\nversion = "1"\ndependencies = ["greeting=={version}"]\n'
        'requires-python = ">=3.11"\n'
        "[tool.uv]\npackage = false\n"
    )
    index = {"UV_DEFAULT_INDEX": f"{registry.url}/simple"}
    trust = {"SSL_CERT_FILE": str(registry.authority)} if registry.authority else {}
    lock = [uv, "lock", "--quiet", "--no-cache", "--python", sys.executable]
    subprocess.run(
        lock, cwd=folder, check=True, env={"PATH": os.environ["PATH"], "HOME": str(folder), **index, **trust}
    )
    return folder


def test_first_call_makes_the_environment_and_hands_over(machine, project):
    code, stdout, stderr = machine.call(project, "up", "--values", "with space.yaml")
    assert (code, stdout) == (0, f"{project}/.venv 1.0 {project}/deploy.py up --values with space.yaml\n"), stderr
    assert stderr.startswith("… making .venv from uv.lock\n")


def test_the_project_itself(tmp_path):
    """The real lock file, from the package registry or uv's cache."""
    own = shutil.ignore_patterns(".venv*", ".git", ".*_cache", "__pycache__")
    project = Path(shutil.copytree(PROJECT, tmp_path / "lumihub", ignore=own))
    call = [sys._base_executable, project / "deploy.py", "--help"]  # type: ignore[attr-defined]
    done = subprocess.run(call, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=280)
    if "could not be reached" in done.stderr:
        pytest.skip(
            "the package registry could not be reached, and uv's cache does not hold all that the lock file names"
        )
    assert done.returncode == 0, done.stderr
    assert "Usage: deploy.py [OPTIONS] COMMAND" in done.stdout
    again = subprocess.run(call, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True)
    assert (again.stdout, again.stderr) == (done.stdout, "")


def test_later_calls_are_silent_and_cost_little(machine, project):
    machine.call(project)
    hand_over = f"import sys; sys.path.insert(0, '{project}/platform'); from lumihub.cli.main import main; main()"
    through_deploy = [machine.python, project / "deploy.py"]
    directly = [project / ".venv/bin/python", "-c", hand_over]
    assert processor_seconds(machine, through_deploy) - processor_seconds(machine, directly) < 0.2


def processor_seconds(machine: Machine, command: list[str | Path]) -> float:
    """The least of five calls that say nothing on stderr; a busy machine changes it little, unlike the clock's time."""
    tries = []
    for _ in range(5):
        begin = os.times()
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={"HOME": str(machine.home)})
        end = os.times()
        tries.append(end.children_user - begin.children_user + end.children_system - begin.children_system)
        assert done.stderr == ""
    return min(tries)


def test_a_first_call_killed_in_the_middle_is_made_good_by_the_next(machine, project, registry):
    registry.hold()
    process = machine.start(project)
    assert registry.asked.wait(60)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (project / ".venv/lumihub.stamp").exists()
    half_made = project / ".venv/lib/half-made"
    half_made.mkdir()
    registry.flowing.set()
    code, stdout, stderr = machine.call(project)
    assert (code, stdout) == (0, f"{project}/.venv 1.0 {project}/deploy.py\n"), stderr
    assert not half_made.exists()


def test_an_interrupted_first_call_says_how_to_go_on(machine, project, registry):
    registry.hold()
    process = machine.start(project)
    assert registry.asked.wait(60)
    os.killpg(process.pid, signal.SIGINT)
    registry.flowing.set()
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.endswith("\ninterrupted; type the same command again to go on\n")
    assert machine.call(project)[:2] == (0, f"{project}/.venv 1.0 {project}/deploy.py\n")


def test_a_killed_parent_leaves_the_lock_to_the_installer_that_still_runs(machine, project, registry):
    registry.hold()
    first = machine.start(project)
    assert registry.asked.wait(60)
    first.kill()
    first.wait()
    second = machine.start(project)
    assert second.stderr.readline() == "… another call is making .venv; waiting for it\n"
    registry.flowing.set()
    stdout, stderr = second.communicate(timeout=60)
    assert (second.returncode, stdout) == (0, f"{project}/.venv 1.0 {project}/deploy.py\n"), stderr
    first.communicate()


def test_of_two_first_calls_one_waits_for_the_other(machine, project, registry):
    registry.hold()
    first = machine.start(project)
    assert registry.asked.wait(60)
    second = machine.start(project)
    assert second.stderr.readline() == "… another call is making .venv; waiting for it\n"
    registry.flowing.set()
    for process in (first, second):
        stdout, stderr = process.communicate(timeout=60)
        assert (process.returncode, stdout) == (0, f"{project}/.venv 1.0 {project}/deploy.py\n"), stderr
    assert stderr == ""  # it had nothing left to do


def test_a_changed_lock_file_changes_the_environment_in_place(machine, project, registry, uv):
    machine.call(project)
    made = (project / ".venv/pyvenv.cfg").stat().st_mtime_ns
    build_project(project, registry, uv, version="2.0")
    code, stdout, stderr = machine.call(project)
    assert (code, stdout) == (0, f"{project}/.venv 2.0 {project}/deploy.py\n")
    assert stderr.startswith("… bringing .venv to the changed uv.lock\n")
    assert (project / ".venv/pyvenv.cfg").stat().st_mtime_ns == made


def test_a_moved_project_is_made_anew(machine, project):
    machine.call(project)
    moved = project.rename(project.with_name("moved"))
    code, stdout, stderr = machine.call(moved)
    assert (code, stdout) == (0, f"{moved}/.venv 1.0 {moved}/deploy.py\n")
    assert stderr.startswith("… making .venv from uv.lock\n")


def test_a_lost_interpreter_is_replaced(machine, project):
    machine.call(project)
    (project / ".venv/bin/python").unlink()
    (project / ".venv/bin/python").symlink_to("/usr/bin/python3.0")
    assert machine.call(project)[:2] == (0, f"{project}/.venv 1.0 {project}/deploy.py\n")


def test_a_pythonpath_for_another_python_does_not_reach_the_verbs(machine, project, tmp_path):
    (tmp_path / "greeting.py").write_text("VERSION = 'of another Python'")
    machine.variables["PYTHONPATH"] = str(tmp_path)
    assert machine.call(project)[:2] == (0, f"{project}/.venv 1.0 {project}/deploy.py\n")


def test_deploy_works_through_a_link_from_any_folder(machine, project, tmp_path):
    link = tmp_path / "bin/deploy.py"
    link.parent.mkdir()
    link.symlink_to(project / "deploy.py")
    assert machine.call(link.parent)[:2] == (0, f"{project}/.venv 1.0 {project}/deploy.py\n")


def test_a_missing_lock_file(machine, project):
    (project / "uv.lock").unlink()
    assert machine.call(project) == (
        1,
        "",
        "error: the project folder is not complete\n"
        f"  in [Errno 2] No such file or directory: '{project}/uv.lock'\n"
        "  fix: download or clone the whole project again\n",
    )


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.8", "3.9", "3.10"])
def test_an_old_python(machine, project, version):
    python = find_python_of(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    machine.python = python
    code, stdout, stderr = machine.call(project, "up")
    full = subprocess.run(
        [python, "-c", "import platform; print(platform.python_version())"], capture_output=True, text=True
    )
    assert (code, stdout) == (1, "")
    first, second = stderr.splitlines()
    assert first == f"error: LumiHub needs Python 3.11 or newer; {python} is {full.stdout.strip()}"
    assert re.fullmatch(rf"  fix: (install a newer Python, then type: )?python3\.\d\d {project}/deploy\.py up", second)


@pytest.mark.parametrize("variable", ["PIP_INDEX_URL", "UV_DEFAULT_INDEX"])
def test_a_mirror_of_the_registry(machine, project, registry, wheels, tmp_path, variable):
    registry.stop()
    mirror = Registry(wheels)
    machine.variables |= {variable: f"{mirror.url}/simple", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    code, stdout, stderr = machine.call(project)
    assert (code, stdout) == (0, f"{project}/.venv 1.0 {project}/deploy.py\n"), stderr
    mirror.stop()


def find_python_of(version: str) -> Path | None:
    """A Python on PATH or among pyenv's; a shim of pyenv's may be there without its Python."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [*root.glob(f"versions/{version}.*/bin/python{version}"), shutil.which(f"python{version}")]
    return next((Path(python) for python in found if python and runs(python)), None)


def runs(python: str | Path, code: str = "") -> bool:
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def test_an_interpreter_without_pip_uses_ensurepip(machine, project, tmp_path):
    subprocess.run([machine.python, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    machine.python = tmp_path / "bare/bin/python"
    machine.variables["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    code, stdout, stderr = machine.call(project)
    assert (code, stdout) == (0, f"{project}/.venv 1.0 {project}/deploy.py\n"), stderr
    assert [path.name for path in (tmp_path / "cache/lumihub").iterdir()] == [f"uv-{UV}-{os.uname().machine}"]


def test_an_interpreter_without_pip_and_ensurepip(machine, project, tmp_path):
    machine.python = build_bare_python(tmp_path / "python", machine.python)
    machine.variables["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    assert machine.call(project) == (
        1,
        "",
        "… making .venv from uv.lock\n"
        f"error: {machine.python} has neither pip nor ensurepip, one of which installs the rest\n"
        "  fix: apt install python3-venv (on Fedora and RHEL: dnf install python3-pip) "
        "and type the same command again\n",
    )


def build_bare_python(folder: Path, python: Path) -> Path:
    """The interpreter as Debian has it without python3-venv and python3-pip: its standard library less ensurepip."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = folder / "lib" / name
    library.mkdir(parents=True)
    for entry in Path(os.__file__).parent.iterdir():
        if entry.name not in {"ensurepip", "site-packages", "dist-packages"}:
            (library / entry.name).symlink_to(entry)
    (folder / "bin").mkdir()
    return Path(shutil.copy2(python.resolve(), folder / "bin" / name))


def test_no_network(machine, project, tmp_path):
    machine.variables["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    code, stdout, stderr = machine.call(project, before=("unshare", "--net", "--map-root-user"))
    assert (code, stdout) == (1, "")
    assert without_details(stderr) == (
        "error: the package registry could not be reached\n"
        "  fix: connect this machine to the internet (behind a proxy: export HTTPS_PROXY=http://HOST:PORT) "
        "and type the same command again\n"
    )


def test_no_network_after_uv_came(machine, project):
    code, stdout, stderr = machine.call(project, before=("unshare", "--net", "--map-root-user"))
    assert (code, stdout) == (1, "")
    assert without_details(stderr) == (
        "error: the package registry could not be reached\n"
        "  fix: connect this machine to the internet (behind a proxy: export HTTPS_PROXY=http://HOST:PORT) "
        "and type the same command again\n"
    )


UNTRUSTED = (
    "error: the package registry's certificate is not trusted "
    "(some proxies put a certificate of their own in its place)\n"
    "  fix: ask your network's people for the proxy's CA certificate, export SSL_CERT_FILE=/path/to/that-ca.pem "
    "and type the same command again\n"
)


def test_a_proxy_with_its_own_certificate_authority(wheels, uv, machine, tmp_path):
    machine.registry = Registry(wheels, keys=tmp_path / "keys")
    project = build_project(tmp_path / "project", machine.registry, uv)
    code, _, stderr = machine.call(project)
    assert (code, without_details(stderr)) == (1, UNTRUSTED)  # uv's words

    machine.variables["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    code, _, stderr = machine.call(project)
    assert (code, without_details(stderr)) == (1, UNTRUSTED)  # pip's words

    machine.variables["SSL_CERT_FILE"] = "/nowhere/ca.pem"
    code, _, stderr = machine.call(project)
    assert (code, without_details(stderr)) == (
        1,
        "error: the file of certificates that an environment variable names is not there\n"
        "  fix: correct SSL_CERT_FILE (or PIP_CERT) and type the same command again\n",
    )

    machine.variables["SSL_CERT_FILE"] = str(machine.registry.authority)
    code, stdout, stderr = machine.call(project)
    assert (code, stdout) == (0, f"{project}/.venv 1.0 {project}/deploy.py\n"), stderr
    machine.registry.stop()


FULL = (
    "error: the disk is full\n"
    "  fix: free some space here and in the cache folder (about 3 GB in all; XDG_CACHE_HOME moves the cache), "
    "and type the same command again\n"
)


@needs_root
@pytest.mark.root
@pytest.mark.parametrize(("variable", "size"), [("XDG_CACHE_HOME", "8m"), ("UV_CACHE_DIR", "400k")])
def test_a_full_disk_under_the_caches(machine, project, tmp_path, variable, size):
    machine.variables[variable] = str(tmp_path / "small")
    with small_disk(tmp_path / "small", size):
        code, stdout, stderr = machine.call(project)
        assert (code, stdout, without_details(stderr)) == (1, "", FULL)
        assert not list((tmp_path / "small").glob("lumihub/*"))
    assert machine.call(project)[:2] == (0, f"{project}/.venv 1.0 {project}/deploy.py\n")


@needs_root
@pytest.mark.root
def test_too_little_room_for_the_environment_is_said_before_anything_is_brought(machine, project, tmp_path):
    with small_disk(tmp_path / "small", "8m"):
        small = Path(shutil.copytree(project, tmp_path / "small/project"))
        assert machine.call(small) == (
            1,
            "",
            "error: not enough disk: .venv needs 1.5 GB, 0.0 GB are free\n"
            f"  in {small}\n"
            "  fix: free some space, or move the project to a larger disk, and type the same command again\n",
        )


@needs_root
@pytest.mark.root
def test_a_read_only_project(machine, project):
    read_only = ("unshare", "--mount", "sh", "-c", f'mount --bind -o ro {project} {project} && exec "$@"', "sh")
    code, stdout, stderr = machine.call(project, before=read_only)
    assert (code, stdout) == (1, "")
    assert stderr == (
        "error: this folder is read-only\n"
        f"  in [Errno 30] Read-only file system: '{project}/.venv.lock'\n"
        "  fix: copy the project to a folder that you may write to, and run it there\n"
    )
    machine.call(project)
    assert machine.call(project, before=read_only) == (0, f"{project}/.venv 1.0 {project}/deploy.py\n", "")


@needs_root
@pytest.mark.root
def test_root_builds_on_an_interpreter_that_students_can_execute(machine, project, tmp_path):
    places = [Path(name) for name in ("/usr/local/bin/python3", "/usr/bin/python3") if Path(name).exists()]
    system = next((python for python in places if runs(python, "import sys; assert sys.version_info >= (3, 11)")), None)
    if system is None:
        pytest.skip("this system has no Python 3.11 or newer of its own")
    machine.python = build_bare_python(tmp_path / "private", machine.python)
    assert machine.call(project)[0] == 0
    assert (project / ".venv/bin/python").resolve() == system.resolve()

    shutil.rmtree(project / ".venv")
    with open_folder() as folder:
        machine.python = build_bare_python(folder / "python", machine.python)
        assert machine.call(project)[0] == 0
        assert (project / ".venv/bin/python").resolve() == machine.python


@needs_root
@pytest.mark.root
def test_a_project_of_another_account(machine, uv):
    with open_folder() as folder:
        machine.home = folder / "home"
        machine.home.mkdir()
        machine.python = Path("/usr/bin/python3")
        project = build_project(folder / "project", machine.registry, uv)
        nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        assert machine.call(project, before=nobody) == (
            1,
            "",
            "error: this account may not write where the environment belongs\n"
            f"  in [Errno 13] Permission denied: '{project}/.venv.lock'\n"
            "  fix: run this as the owner of the project folder (or with sudo), "
            "or copy the project to a folder of your own\n",
        )
        machine.call(project)
        assert machine.call(project, before=nobody) == (0, f"{project}/.venv 1.0 {project}/deploy.py\n", "")


@needs_root
@pytest.mark.root
def test_a_strict_umask_of_roots_leaves_what_students_can_read(machine, uv):
    with open_folder() as folder:
        machine.home = folder / "home"
        machine.home.mkdir()
        machine.python = Path("/usr/bin/python3")
        project = build_project(folder / "project", machine.registry, uv)
        assert machine.call(project, before=("sh", "-c", 'umask 077; exec "$@"', "sh"))[0] == 0
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        python = project / ".venv/bin/python"
        done = subprocess.run([*nobody, python, "-c", "import greeting"], capture_output=True, text=True, cwd="/")
        assert (done.returncode, done.stderr) == (0, "")


@contextmanager
def open_folder():
    """A folder that every account may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def small_disk(folder: Path, size: str):
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def without_details(stderr: str) -> str:
    """From the error on, without the line that quotes another program."""
    lines = stderr[stderr.index("error: the ") :].splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("  in "))
