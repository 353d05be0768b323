"""Files from an origin into object storage (S3, or what else fsspec writes to): whole and right, or not there."""

from __future__ import annotations

import contextlib
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lumihub.data.checksums import BLOCK, EMPTY, format_adler32
from lumihub.data.origins import build_options, is_untrusted, join_url
from lumihub.data.reading import PAUSES, check, read_blocks
from lumihub.errors import InputError, LumiHubError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from lumihub.data.origins import Origin
    from lumihub.data.records import DataFile

SUM = "adler32"
"""What an object's metadata call the checksum that it had when it was written."""

# At least 5 MiB by S3's rule, and at most 10,000 parts: files of 160 GB.
_PART = 16 * BLOCK
_TIMEOUT = 60.0


@dataclass(frozen=True)
class ObjectTransfer:
    """How files come into a bucket.

    Attributes:
        origin: where from.
        target: URL of the bucket with a folder in it.
        advance: told the bytes of each block, and minus those that were thrown away.
        stop: set to stop at the next block.
        pauses: seconds before each new try of the origin.
    """

    origin: Origin
    target: str
    advance: Callable[[float], None]
    stop: threading.Event
    pauses: tuple[float, ...] = PAUSES

    def fetch(self, file: DataFile) -> int:
        """Bring one file; nothing is done where it is there with its size and sum.

        An object appears only when all its parts are there, and the last step is done only when the checksum is right.
        What a killed transfer left begins anew: storage does not give back what it holds of an unfinished object.

        Returns:
            bytes that came from the origin.

        Raises:
            LumiHubError: origin or storage fail, or the bytes are wrong.
            Stopped: `stop` was set.
        """
        name = join_url(self._root, file.path)
        if self.holds(file):
            self.advance(file.size)
            return 0
        came, checksum = 0, EMPTY
        try:
            stream = self._fs.open(name, "wb", block_size=_PART, autocommit=False, Metadata={SUM: file.adler32})
            try:
                for block in read_blocks(self.origin, file, self.stop, largest=_PART, pauses=self.pauses):
                    checksum = zlib.adler32(block, checksum)
                    stream.write(block)
                    came += len(block)
                    self.advance(len(block))
                check(self.origin, file, format_adler32(checksum))
                stream.close()
                stream.commit()
            except BaseException:
                self.advance(-came)
                _discard(stream)
                raise
        except (LumiHubError, InterruptedError):
            raise
        except Exception as error:
            if not _is_storages(error):
                raise
            raise self._explain(file, error) from error
        return came

    def holds(self, file: DataFile) -> bool:
        """Whether the object is there as it was checked when it was written.

        Raises:
            LumiHubError: the storage does not answer.
        """
        name = join_url(self._root, file.path)
        try:
            self._fs.invalidate_cache(name.rpartition("/")[0])
            if int(self._fs.info(name)["size"]) != file.size:
                return False
            return bool(self._fs.metadata(name).get(SUM) == file.adler32)
        except FileNotFoundError:
            return False
        except Exception as error:
            if not _is_storages(error):
                raise
            raise self._explain(file, error) from error

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        return open_storage(self.target)

    @property
    def _fs(self) -> Any:
        return self._opened[0]

    @property
    def _root(self) -> str:
        return self._opened[1]

    def _explain(self, file: DataFile, error: Exception) -> LumiHubError:
        text = " ".join(str(error).split()) or type(error).__name__
        if is_untrusted(error):
            return LumiHubError(
                f"{file.path} could not be stored: the storage shows a certificate that is not trusted here",
                where=self.target,
                fix="name the file of your institution's authority at data.caBundle; on a cluster then ./deploy.py up",
            )
        return LumiHubError(
            f"{file.path} could not be stored: {text}",
            where=self.target,
            fix="check the bucket's name and rights, AWS_ENDPOINT_URL and the keys; what is whole is not sent again",
        )


def open_storage(url: str) -> tuple[Any, str]:
    """The file system of a URL that can be written to, and the folder in it.

    Raises:
        InputError: it takes a package that is not installed, or is no URL that fsspec knows.
    """
    import fsspec

    try:
        fs, root = fsspec.core.url_to_fs(url, **build_options(url, timeout=_TIMEOUT))
    except ImportError as error:
        raise InputError(
            f"--to: writing to {url.partition(':')[0]}:// needs a package that is not installed ({error})",
            fix="install it into LumiHub's environment: .venv/bin/pip install s3fs",
        ) from error
    except ValueError as error:
        raise InputError(f"--to: {url} can't be written to: {error}", fix="use s3://BUCKET/FOLDER") from error
    return fs, str(root)


def _discard(stream: Any) -> None:
    """Let go of an unfinished object; where even that fails, the bucket's own rule for them clears up."""
    with contextlib.suppress(Exception):
        stream.discard()
    stream.closed = True


def _is_storages(error: Exception) -> bool:
    return isinstance(error, OSError) or type(error).__module__.startswith(("aiohttp", "botocore", "fsspec"))
