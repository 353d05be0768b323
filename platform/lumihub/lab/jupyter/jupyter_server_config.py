"""Settings of every student's server, found through JUPYTER_CONFIG_PATH so that nothing of them lies in a home."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from traitlets.config import get_config

from lumihub.compute.dashboard import DEMO_PROXY_NAME, PROXY_NAME, socket_path
from lumihub.compute.limits import DaskLimits
from lumihub.lab import demo

c = get_config()

# Students of one machine share its loopback addresses; the files of UNIX sockets belong to their owner alone.
c.KernelManager.transport = "ipc"

# A home directory, also when the server was started elsewhere.
c.ServerApp.root_dir = os.environ.get("JUPYTERHUB_ROOT_DIR") or str(Path.home())
c.ServerApp.terminals_enabled = True

# On a full disk nothing is lost, and folders can be deleted with what is in them. (JupyterHub has switched off the
# trash, which would keep what is deleted in the home.)
c.ServerApp.contents_manager_class = "lumihub.lab.contents.HomeContentsManager"
c.HomeContentsManager.checkpoints_class = "lumihub.lab.contents.HomeCheckpoints"
c.FileContentsManager.always_delete_dir = True

# No calls to the internet that a student did not ask for, and nothing installed from the browser.
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"

# Pictures with the words that their metadata holds, for who cannot see them. What JupyterLab says while its server does
# not answer, in place of its own (page_config.json).
c.LabApp.extra_labextensions_path = [str(Path(__file__).with_name("labextensions"))]

# Beside JupyterLab's list of files Dask's menu takes two rows, of which the second covers the plots' upper edge.
ONE_ROW = (
    b"\n@media screen and (max-width: 1100px) { .navbar li { font-size: 14px } .navbar li a { padding: 12px 7px } }\n"
)


def keep_menu_in_one_row(response: Any, path: str) -> None:
    """Add to the style of Dask's pages, be they of this server's workers or of those in pods."""
    if path.endswith("/css/base.css") and response.body:
        response.body += ONE_ROW


def build_dashboard(name: str, socket: Path, title: str) -> dict[str, Any]:
    """How the proxy shows a dashboard that listens on a UNIX socket."""
    return {
        "command": [],
        "unix_socket": str(socket),
        "launcher_entry": {
            "title": title,
            "path_info": f"{name}/status",
            # The only category whose cards show an icon of ours.
            "category": "Notebook",
            "icon_path": str(Path(__file__).with_name("dashboard.svg")),
        },
        "new_browser_tab": False,
        "rewrite_response": keep_menu_in_one_row,
        # A dashboard left open asks for news for ever; it must not keep an idle server alive.
        "update_last_activity": False,
    }


c.ServerProxy.servers = {PROXY_NAME: build_dashboard(PROXY_NAME, socket_path(), "Dask dashboard")}
if DaskLimits.current().demo:
    c.ServerProxy.servers[DEMO_PROXY_NAME] = build_dashboard(DEMO_PROXY_NAME, demo.socket_path(), "Demonstration")
# A login here is no way through to other machines of the network.
c.ServerProxy.host_allowlist = []
