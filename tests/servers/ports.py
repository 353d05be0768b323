"""Free ports for servers of tests that listen where they are told, and some of them again after a restart."""

from __future__ import annotations

import errno
import itertools
import os
import socket

# Below what Linux gives to connections and to servers that ask for any port (32768 to 60999): one of those would have
# the port by the time a server is started again. Above it are Kubernetes' node ports, from 30000 on.
_FIRST = 20000
# Each process of the tests has a hundred of its own, so that two hardly choose the same before either listens there.
_SHARE = 100
_first = _FIRST + os.getpid() % _SHARE * _SHARE
_ports = itertools.cycle(range(_first, _first + _SHARE))


def find_free_port() -> int:
    """A port that nobody uses now at any address of this machine, and that stays free while its server is away."""
    for port in itertools.islice(_ports, _SHARE):
        with socket.socket() as probe:
            try:
                # XRootD listens at all addresses, whatever it is told.
                probe.bind(("0.0.0.0", port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return port
    raise RuntimeError(f"ports {_first} to {_first + _SHARE - 1} are all taken")
