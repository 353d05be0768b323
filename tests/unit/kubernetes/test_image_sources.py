import os

import pytest

from lumihub.errors import InputError
from lumihub.kubernetes import image_sources
from lumihub.kubernetes.image_sources import NAMES, copy_sources, find_base, find_sources, hash_sources

CONTAINERFILE = """\
ARG BASE=docker.io/library/debian:bookworm-slim
FROM ${BASE} AS first
COPY --chown=1:1 uv.lock platform/lumihub/*.py \\
     platform/lumihub/lab /there/
FROM first
COPY --from=first /there /here
# COPY not/this /there
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr(image_sources, "find_project", lambda: tmp_path)
    files = {
        "images/lab/Containerfile": CONTAINERFILE,
        "uv.lock": "locked",
        "platform/lumihub/errors.py": "e",
        "platform/lumihub/lab/start.py": "s",
        "platform/lumihub/lab/pages/one.json": "{}",
        "platform/lumihub/lab/__pycache__/start.pyc": "c",
        "platform/lumihub/lab/.start.py.swp": "w",
        "platform/lumihub/hub/secret.py": "h",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def names(paths, folder):
    return sorted(str(path.relative_to(folder)) for path in paths)


def test_sources_are_what_the_containerfile_copies_from_the_project(project):
    assert names(find_sources("lab", project), project) == [
        "images/lab/Containerfile",
        "platform/lumihub/errors.py",
        "platform/lumihub/lab/pages/one.json",
        "platform/lumihub/lab/start.py",
        "uv.lock",
    ]


def test_the_hash_follows_names_and_contents_alone(project):
    first = hash_sources("lab")
    for path in project.rglob("*"):
        os.utime(path, (5, 5))
    (project / "uv.lock").chmod(0o600)
    (project / "platform/lumihub/hub/secret.py").write_text("changed")
    assert hash_sources("lab") == first
    (project / "platform/lumihub/lab/pages/one.json").write_text("[]")
    second = hash_sources("lab")
    assert second != first
    (project / "platform/lumihub/lab/pages/one.json").rename(project / "platform/lumihub/lab/pages/two.json")
    assert hash_sources("lab") not in (first, second)


def test_a_strict_umask_and_old_times_do_not_reach_the_image(project, tmp_path_factory):
    context = tmp_path_factory.mktemp("context")
    (project / "uv.lock").chmod(0o600)
    before = os.umask(0o077)
    try:
        copy_sources("lab", context)
    finally:
        os.umask(before)
    assert names((path for path in context.rglob("*") if path.is_file()), context) == names(
        find_sources("lab", project), project
    )
    for path in context.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)
        assert path.stat().st_mtime == 0
    assert hash_sources("lab", context) == hash_sources("lab")


def test_an_incomplete_project_is_told(project):
    (project / "uv.lock").unlink()
    with pytest.raises(InputError) as caught:
        find_sources("lab", project)
    assert str(caught.value) == (
        "error: uv.lock is missing, which the image lab is built from\n"
        f"  in {project}\n"
        "  fix: download or clone the whole project again"
    )


def test_without_the_project_there_is_nothing_to_build(tmp_path, monkeypatch):
    monkeypatch.setattr(image_sources.lumihub, "__file__", str(tmp_path / "lib/python3.11/lumihub/__init__.py"))
    with pytest.raises(InputError) as caught:
        hash_sources("lab")
    assert str(caught.value) == (
        "error: the images' sources are not here: LumiHub was installed without its project folder\n"
        f"  in {tmp_path / 'lib'}\n"
        "  fix: run ./deploy.py of the project's folder, or set images.registry and images.tag to images that exist"
    )


def test_the_bases_of_the_real_images():
    assert {name: find_base(name) for name in NAMES} == {
        "hub": "docker.io/library/debian:bookworm-slim",
        "lab": "docker.io/library/debian:bookworm-slim",
        "cache": "docker.io/library/debian:trixie-slim",
        "proxy": "docker.io/library/debian:trixie-slim",
        "gateway": "docker.io/library/debian:bookworm-slim",
        "data": "docker.io/library/debian:bookworm-slim",
    }


def test_the_command_line_does_not_change_a_students_image():
    found = {path.parts[-2] for path in find_sources("lab", image_sources.find_project())}
    assert not found & {"cli", "kubernetes", "chart", "operations", "hub", "local"}
