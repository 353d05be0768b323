"""Becomes a student: joins the control group, drops every privilege, then turns into the student's server.

Run as `python -I -S launcher.py ... -- COMMAND` and with nothing but the standard library, so that it takes
milliseconds. It is a program and not a function between fork and exec, because the hub has threads, and there even an
import can hang.
"""

import argparse
import ctypes
import os
import resource
import sys
from pathlib import Path

_PR_SET_NO_NEW_PRIVS = 38


def main() -> None:
    """Read the arguments, become the account, run the command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--join", action="append", default=[], help="cgroup.procs file of a control group to join")
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--tasks", type=int, help="most processes of the account")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    for entrance in arguments.join:
        Path(entrance).write_text("0")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if arguments.uid is not None:
        become(arguments.uid, arguments.gid, arguments.tasks)
    forbid_new_privileges()
    os.umask(0o077)
    os.chdir(arguments.home)
    os.execvpe(arguments.command[0], arguments.command, os.environ)  # noqa: S606


def become(uid: int, gid: int, tasks: int | None) -> None:
    """Give up root for good, with all of its groups."""
    if tasks:
        resource.setrlimit(resource.RLIMIT_NPROC, (tasks, tasks))
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if os.getresuid() != (uid, uid, uid) or os.getgroups():
        sys.exit("launcher: privileges could not be dropped")


def forbid_new_privileges() -> None:
    """From here on no setuid program (su, sudo, mount) gives this process or its children more than they have."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        sys.exit(f"launcher: prctl: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main()
