"""Makes an environment fit for an image: without what no program of the image reads, and with its bytecode.

Standard library only: it runs while an image is built, on the image's own Python.
"""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib.util import cache_from_source
from pathlib import Path
from py_compile import PycInvalidationMode, PyCompileError
from py_compile import compile as compile_source

# Below site-packages and share; a folder goes with all that is in it.
UNUSED = (
    # The libraries' own tests. Not `testing`, which libraries import while they work.
    "**/tests",
    "**/test",
    # What a browser's debugger reads.
    "**/*.js.map",
    "**/*.css.map",
    # For compiling against a library, and what its compiled modules were made from.
    "**/*.c",
    "**/*.cpp",
    "**/*.pyx",
    "**/*.pxd",
    "**/*.a",
    # For another system.
    "**/*.exe",
    # What the dashboard's pages would load only for developing Bokeh itself: they load the .min.js beside.
    "bokeh/server/static/js/lib",
    "bokeh/server/static/js/*[!n].js",
    # How to complete Django, a framework that is not there.
    "jedi/third_party/django-stubs",
)


def find_unused(folder: Path) -> list[Path]:
    """What can go from a folder, each file or topmost folder once."""
    found = {path for pattern in UNUSED for path in folder.glob(pattern) if path.is_dir() or path.is_file()}
    return sorted(path for path in found if found.isdisjoint(path.parents))


def prune(folder: Path) -> int:
    """Take it out; returns the bytes that were freed."""
    freed = 0
    for path in find_unused(folder):
        freed += sum(file.lstat().st_size for file in (path, *path.rglob("*")) if not file.is_dir())
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return freed


def find_uncompiled(folder: Path) -> list[str]:
    """Sources without bytecode, so that what an earlier layer compiled does not come a second time."""
    return sorted(str(path) for path in folder.rglob("*.py") if not Path(cache_from_source(str(path))).exists())


def compile_one(source: str) -> bool:
    """Compile a source; False where it has faults, as templates and samples for other Pythons may have."""
    try:
        # Bytecode that is taken whatever the times of the files are, which an image may not keep.
        compile_source(source, doraise=True, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    except (PyCompileError, SyntaxError, UnicodeDecodeError):
        return False
    return True


def main() -> None:
    """Finish the environment that is named."""
    environment = Path(sys.argv[1])
    folders = [*environment.glob("lib/python3*/site-packages"), environment / "share"]
    freed = sum(prune(folder) for folder in folders if folder.is_dir())
    sources = find_uncompiled(environment)
    with ProcessPoolExecutor() as pool:
        compiled = sum(pool.map(compile_one, sources, chunksize=50))
    print(f"pruned {freed / 1e6:.0f} MB, compiled {compiled} of {len(sources)} sources")  # noqa: T201 - the build's log


if __name__ == "__main__":
    main()
