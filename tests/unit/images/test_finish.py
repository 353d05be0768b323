import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

FINISH = Path(__file__).resolve().parents[3] / "images/python/finish.py"


def finish(environment):
    return subprocess.run(
        [sys.executable, "-I", FINISH, environment], capture_output=True, text=True, check=True
    ).stdout.strip()


def build_environment(folder, files):
    packages = folder / "lib/python3.11/site-packages"
    for name, text in files.items():
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text(text)
    return packages


def test_takes_out_what_nothing_reads_and_leaves_the_rest(tmp_path):
    files = {
        "numpy/core.py": "a = 1",
        "numpy/testing/tools.py": "b = 1",
        "numpy/tests/test_core.py": "c" * 2_000_000,
        "numpy/tests/data/deep.json": "{}",
        "bokeh/server/static/js/bokeh.js": "d",
        "bokeh/server/static/js/bokeh.min.js": "e",
        "lab/page.js.map": "f",
    }
    packages = build_environment(tmp_path, files)
    (tmp_path / "share/jupyter").mkdir(parents=True)
    (tmp_path / "share/jupyter/index.js.map").write_text("g")
    assert finish(tmp_path) == "pruned 2 MB, compiled 2 of 2 sources"
    left = sorted(str(path.relative_to(packages)) for path in packages.rglob("*") if path.suffix in {".py", ".js"})
    assert left == ["bokeh/server/static/js/bokeh.min.js", "numpy/core.py", "numpy/testing/tools.py"]
    assert not list(tmp_path.rglob("*.map"))


def test_bytecode_is_valid_whatever_the_times_say_and_is_made_once(tmp_path):
    packages = build_environment(tmp_path, {"one.py": "a = 1", "broken.py": "def ("})
    assert finish(tmp_path) == "pruned 0 MB, compiled 1 of 2 sources"
    compiled = Path(cache_from_source(str(packages / "one.py")))
    flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
    assert flags == 0b01  # PEP 552: by hash, and not checked
    build_environment(tmp_path, {"two.py": "b = 1"})
    assert finish(tmp_path) == "pruned 0 MB, compiled 1 of 2 sources"
