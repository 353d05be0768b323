from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def python(code: str) -> str:
    """Run code in a fresh interpreter, whose modules are its own."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_single_user_server_loads_without_the_hubs_database() -> None:
    assert (
        python("""
        import sys
        from lumihub.lab.startup import defer_hub_modules
        defer_hub_modules()
        import jupyterhub.singleuser.extension
        from lumihub.lab.startup import _Deferred
        names = ("alembic", "sqlalchemy", "jupyterhub.orm", "jupyterhub.roles", "jupyterhub.handlers.pages")
        loaded = [name for name in names if not isinstance(sys.modules.get(name, _Deferred("")), _Deferred)]
        print(loaded)
        """)
        == "[]"
    )


def test_what_is_used_after_all_is_loaded_for_real() -> None:
    assert (
        python("""
        from lumihub.lab.startup import defer_hub_modules
        defer_hub_modules()
        import jupyterhub.log, jupyterhub.scopes
        from jupyterhub import orm
        from jupyterhub.handlers.pages import HomeHandler
        import sqlalchemy.exc
        import sqlalchemy as sa
        print(orm.User.__tablename__, HomeHandler.__name__, sqlalchemy.exc.DBAPIError.__name__, sa.Integer.__name__)
        """)
        == "users HomeHandler DBAPIError Integer"
    )


def test_scopes_are_compared_as_the_hub_compares_them() -> None:
    assert (
        python("""
        from lumihub.lab.startup import defer_hub_modules
        defer_hub_modules()
        from jupyterhub.services.auth import check_scopes
        needed = {"access:servers!user=ada"}
        for held in ({"access:servers!user=ada"}, {"access:servers"}, {"access:servers!user=bob"}, set()):
            print(bool(check_scopes(needed, held)), end=" ")
        """)
        == "True True False False"
    )


def test_node_is_not_asked_for_a_package_registry(tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho asked >> {tmp_path / 'asked'}\n")
    node.chmod(0o755)
    code = """
        import os
        os.environ["PATH"] = {path!r} + os.pathsep + os.environ["PATH"]
        from lumihub.lab.startup import defer_hub_modules, leave_out_package_registry
        from jupyterlab.commands import AppOptions
        if {left_out}:
            leave_out_package_registry()
        print(AppOptions().registry)
        """
    for left_out, asked in ((True, False), (False, True)):
        assert python(code.format(path=str(tmp_path), left_out=left_out)).startswith("https://")
        assert (tmp_path / "asked").exists() == asked
