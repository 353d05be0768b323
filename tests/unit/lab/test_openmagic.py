"""The hook that waits for atlasopenmagic, in a Python of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.resources import files

from lumihub.data.access import DataAccess

_STARTED = """
import sys
from importlib import reload
exec(open({startup!r}).read())
print(sorted({{"pydantic", "atlasopenmagic", "lumihub.data"}} & set(sys.modules)), "adapt_on_import" in dir())
from atlasopenmagic.metadata import get_urls
import atlasopenmagic
print(get_urls.__module__, get_urls.__qualname__, atlasopenmagic.get_urls is get_urls)
print(reload(atlasopenmagic).get_urls.__code__.co_name, atlasopenmagic.__spec__.loader.get_filename()[-11:])
"""


def test_a_kernel_loads_nothing_until_the_package_is_imported() -> None:
    access = DataAccess(release="2025", mode="cache", origin="root://cern//eos", cache="root://cache")
    startup = str(files("lumihub.lab") / "kernel_startup.py")
    done = subprocess.run(
        [sys.executable, "-c", _STARTED.format(startup=startup)],
        env=os.environ | access.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == [
        "[] False",
        "atlasopenmagic.metadata get_urls True",
        "get_urls __init__.py",
    ], done.stderr


def test_an_environment_without_lumihub_starts_as_ever() -> None:
    startup = str(files("lumihub.lab") / "kernel_startup.py")
    code = f"import sys; exec(open({startup!r}).read()); print(sys.meta_path)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "_Finder" not in done.stdout
    assert (done.returncode, done.stderr) == (0, "")
