"""All processes of all students' servers, however they were started and whoever lost sight of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumihub.local.accounts import SystemAccounts
from lumihub.local.cgroups import find_hierarchy
from lumihub.local.processes import find_by_environment, find_by_user, find_process

if TYPE_CHECKING:
    from lumihub.local.folder import StateFolder
    from lumihub.local.processes import ProcessId

SERVER_MARK = "LUMIHUB_SERVER"


def find_servers(folder: StateFolder) -> list[ProcessId]:
    """By mark, by control group and by account: a process may leave off its environment, but not all three."""
    found = set(find_by_environment(f"{SERVER_MARK}={folder.identity}:".encode(), whole=False))
    hierarchy = find_hierarchy(folder.identity)
    for pid in hierarchy.processes() if hierarchy else ():
        if process := find_process(pid):
            found.add(process)
    accounts = SystemAccounts("", folder.homes, folder.hub / "accounts.json")
    for uid in accounts.students().values():
        found.update(find_by_user(uid))
    return sorted(found, key=lambda process: process.started)
