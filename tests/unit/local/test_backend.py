from pathlib import Path

import pytest

from lumihub.errors import LumiHubError
from lumihub.local.backend import LocalBackend
from lumihub.progress import Silent
from lumihub.settings import Settings


@pytest.mark.root
def test_up_refuses_lessons_that_students_accounts_can_not_read(tmp_path: Path) -> None:
    lessons = tmp_path / "lessons"
    lessons.mkdir()
    tmp_path.chmod(0o700)
    state = Path("/srv/never-made/state")
    settings = Settings.model_validate({"local": {"folder": state}, "lessons": {"folder": lessons}})
    with pytest.raises(LumiHubError) as caught:
        LocalBackend(settings).up(Silent())
    # The first closed folder on the way, wherever pytest puts its own.
    closed = next(folder for folder in (*reversed(lessons.parents), lessons) if not folder.stat().st_mode & 0o001)
    assert str(caught.value) == (
        f"error: lessons.folder: students' accounts can't pass through {closed}, so they would not get the lessons\n"
        f"  fix: name a folder that all may read, as /srv/lessons, or type: chmod o+x {closed}"
    )
    assert not state.parent.exists()
