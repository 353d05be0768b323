"""The hub on a real PostgreSQL server beside the cluster: accounts, a change of the tables, and a rollback of it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from cluster.faults import scale
from cluster.installation import NAMESPACE
from servers.postgres import BEFORE, NEWEST, PostgresServer, find_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.installation import ClusterInstallation
    from cluster.machine.access import Cluster

PROGRAMS = find_postgres()
SECRET = "hub-database"
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.xrootd,
    pytest.mark.opendata,
    pytest.mark.skipif(PROGRAMS is None, reason="no PostgreSQL here: apt-get install postgresql"),
]


@pytest.fixture
def server(own: Cluster, one: ClusterInstallation) -> Iterator[PostgresServer]:
    """The institution's server, at an address of its network."""
    assert PROGRAMS
    assert own.host_address
    with PostgresServer(PROGRAMS, own.host_address) as institution:
        yield institution
        # Back to the volume, where the accounts of before still are.
        assert one.up("--no-check")["admin"] is None


@pytest.mark.long
def test_accounts_live_there_and_a_rollback_undoes_a_change_of_the_tables(
    one: ClusterInstallation, server: PostgresServer
) -> None:
    # Of a Secret nobody but the hub knows the address, so the port is let through by a rule.
    text = base64.b64encode(server.url.encode()).decode()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET, "namespace": NAMESPACE}}
    one.cluster.apply({**secret, "data": {"db-url": text}})  # gone with its namespace
    rule = {"to": [{"ipBlock": {"cidr": f"{server.address}/32"}}], "ports": [{"port": server.port}]}
    first = {"db": {"type": "postgres", "existingSecret": SECRET}, "networkPolicy": {"egress": [rule]}}
    with one.changed(hub=first):
        answer = one.up("--no-check")
        assert "made the administrator's account admin" in answer["changes"]
        password = one.add("petra")["petra"]
        with one.student("petra", password) as student:
            kernel = student.start_kernel()
            assert not kernel.run("mass = 125.25").error
            # As an earlier JupyterHub left it, before the update that comes.
            scale(one, "deployment/hub", 0)
            server.migrate(BEFORE)
            with one.changed(hub={"db": {"type": "postgres", "url": server.url}, "networkPolicy": {}}):
                one.up("--no-check")
                kept = f"what it was before is kept in the schema lumihub_copy_{BEFORE}"
                assert kept in one.lumihub("logs", "hub", "-n", "200").stdout
                assert server.run("SELECT version_num FROM alembic_version") == [(NEWEST,)]
                one.add("later")
                # As a JupyterHub that is not made yet would leave it.
                server.run(
                    "ALTER TABLE users ADD COLUMN from_the_future text",
                    "UPDATE alembic_version SET version_num = 'from-the-future'",
                )
                one.lumihub("rollback", "--yes")
            assert "with the accounts of then" in one.lumihub("logs", "hub", "-n", "200").stdout
            names = [name for (name,) in server.run("SELECT name FROM users ORDER BY id")]
            assert "petra" in names
            assert "later" not in names
            kernel.close()
            assert kernel.run("mass").text == "125.25"
            kernel.close()
        with one.student("petra", password) as student:
            student.stop_server()
        assert one.status()["healthy"]
        one.lumihub("users", "remove", "petra", "--delete-home", "--yes")
