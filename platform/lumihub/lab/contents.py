"""Saving in a student's home: whole or not at all, and in plain words when the home is full.

Jupyter's own way copies what was there, writes over it and puts the copy back when that fails. On a full disk this
leaves copies behind that nobody sees, and where only the end of a small file did not fit, a cut one in place of what
was saved before.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import sqlite3
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from jupyter_server.services.contents.filecheckpoints import AsyncFileCheckpoints
from jupyter_server.services.contents.fileio import FileManagerMixin
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError

from lumihub.lab.space import FULL, describe_biggest

if TYPE_CHECKING:
    from collections.abc import Iterator

# "Insufficient Storage".
_STATUS = 507


class _Careful(FileManagerMixin):
    """What a manager of files and one of checkpoints have in common."""

    @contextmanager
    def perm_to_403(self, os_path: str = "") -> Iterator[None]:
        """Turn what the operating system refuses into words for the browser; a full home names what fills it.

        Args:
            os_path: the file that it is about; the error's own when empty.

        Raises:
            HTTPError: 403 for what is forbidden, 507 where there is no room.
        """
        with super().perm_to_403(os_path):
            try:
                yield
            except OSError as error:
                if error.errno not in FULL:
                    raise
                raise HTTPError(_STATUS, _describe_full(Path(os_path or error.filename or ""))) from error

    @contextmanager
    def atomic_writing(self, os_path: str, text: bool = True, **_: Any) -> Iterator[IO[Any]]:
        """A file to write to that takes the name's place when the block ends well."""
        with self.perm_to_403(os_path), written_whole(Path(os_path), text=text) as file:
            yield file

    async def _copy(self, src: str, dest: str) -> None:
        with self.atomic_writing(dest, text=False) as file, Path(src).open("rb") as source:
            shutil.copyfileobj(source, file)


class HomeContentsManager(_Careful, AsyncLargeFileManager):  # type: ignore[misc] # so are Jupyter's own
    """Files of the home."""

    def check_and_sign(self, nb: Any, path: str = "", **retrying: bool) -> None:
        """Remember that a notebook's outputs are the student's own, where the home has room for that."""
        with self._without_room_for_signatures(path):
            super().check_and_sign(nb, path, **retrying)  # type: ignore[no-untyped-call]

    def mark_trusted_cells(self, nb: Any, path: str = "") -> None:
        """Show outputs whose signature is known. Asking writes, too: in a full home they are shown as strangers'."""
        with self._without_room_for_signatures(path):
            super().mark_trusted_cells(nb, path)  # type: ignore[no-untyped-call]

    @contextmanager
    def _without_room_for_signatures(self, path: str) -> Iterator[None]:
        """Go on: whether the notebook itself finds room, writing it tells."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            self.log.warning("no room for the signature of %s", path)


class HomeCheckpoints(_Careful, AsyncFileCheckpoints):
    """The one earlier version that JupyterLab keeps of each file. In a full home, opening and saving go on without."""

    async def create_checkpoint(self, contents_mgr: Any, path: str) -> dict[str, Any]:
        """Keep the file as it is now."""
        try:
            kept: dict[str, Any] = await super().create_checkpoint(contents_mgr, path)  # type: ignore[no-untyped-call]
        except HTTPError as error:
            if error.status_code != _STATUS:
                raise
            self.log.warning("no room for a checkpoint of %s", path)
            return {"id": "checkpoint", "last_modified": datetime.now(UTC)}
        return kept

    async def list_checkpoints(self, path: str) -> list[dict[str, Any]]:
        """What there is, none where the folder for it cannot be made."""
        try:
            kept: list[dict[str, Any]] = await super().list_checkpoints(path)  # type: ignore[no-untyped-call]
        except HTTPError as error:
            if error.status_code != _STATUS:
                raise
            return []
        return kept


def _describe_full(path: Path) -> str:
    return (
        f"Your home is full: {path.name} was not saved; what you saved before is still there. Leave this window open, "
        f"delete what you do not need, and save again. The biggest: {describe_biggest(Path.home())}."
    )


@contextmanager
def written_whole(path: Path, *, text: bool) -> Iterator[IO[Any]]:
    """A new file beside `path` that takes its place at the end of the block, and is gone after an error.

    Args:
        path: where it goes; a link is followed, and permissions stay.
        text: open it for text (UTF-8, lines end in a newline) rather than bytes.

    Raises:
        PermissionError: what is there is not to be written to.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    temporary = target.with_name(f".~{secrets.token_hex(4)}")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") if text else temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
