from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from lumihub.cli.main import main


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def lumihub(tmp_path, monkeypatch, capsys):
    """Types a command in an empty folder, without a terminal."""
    monkeypatch.chdir(tmp_path)

    def type_command(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["lumihub", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return Done(int(ended.value.code or 0), shown.out, shown.err)

    return type_command
