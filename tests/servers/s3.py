"""A real server of object storage on this machine: versitygw, which keeps objects as files of a folder."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

from servers.certificates import make_certificates
from servers.ports import find_free_port

if TYPE_CHECKING:
    from pathlib import Path

REGION = "us-east-1"


class S3Server:
    """Serves until its block ends.

    Args:
        program: versitygw.
        folder: where it keeps buckets; a bucket is a folder in it.
        address: of this machine, where clients connect.
        keys: folder for certificates of an authority of its own, None to go without TLS.

    Attributes:
        folder: as above.
        key: the public half of its one account's keys.
        port: where it listens.
        authority: the certificate to trust, None without TLS.
    """

    def __init__(self, program: Path, folder: Path, address: str, keys: Path | None = None) -> None:
        self._program, self._address = program, address
        self.folder, self._keys = folder, keys
        self.authority = make_certificates(keys, address) if keys else None
        self.key, self._secret = secrets.token_hex(8), secrets.token_hex(16)
        self.port = find_free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http{'s' if self._keys else ''}://{self._address}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What its clients need, as AWS's own programs read it."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self._secret,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
        }

    def __enter__(self) -> S3Server:
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "ROOT_ACCESS_KEY": self.key, "ROOT_SECRET_KEY": self._secret}
        tls = ["--cert", self._keys / "server.pem", "--key", self._keys / "server.key"] if self._keys else []
        command = [self._program, "--quiet", "--port", f"{self._address}:{self.port}", *tls, "posix", str(self.folder)]
        self._process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder
        )
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                socket.create_connection((self._address, self.port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return self
        self.__exit__()
        raise RuntimeError("versitygw did not start")

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)

    def open(self) -> Any:
        """Its file system, as a client on this machine sees it, past every cache."""
        import s3fs

        return s3fs.S3FileSystem(
            key=self.key,
            secret=self._secret,
            endpoint_url=self.url,
            client_kwargs={"region_name": REGION, "verify": str(self.authority) if self.authority else None},
            skip_instance_cache=True,
            use_listings_cache=False,
        )
