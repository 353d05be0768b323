"""`./deploy.py images`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from lumihub.cli.options import Json, ValuesFile
from lumihub.cli.output import output
from lumihub.settings import load_settings
from lumihub.settings.quantities import format_bytes

_HELP = """Build the images that a cluster runs, and bring them there.

There are four: hub, lab (a student's server), cache and proxy. All of them, where none is named:

    ./deploy.py images build             what is not built yet, with buildah, podman or docker
    ./deploy.py images push              to images.registry of the values file
    ./deploy.py images load              or, without a registry, onto the single node that this machine is
"""
_Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Images, such as lab.")]
_Socket = Annotated[
    Path | None,
    typer.Option("--containerd", metavar="SOCKET", help="The node's containerd, where it is not in a usual place."),
]


def register(app: typer.Typer) -> None:
    """Add the verb with its own verbs."""
    images = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode="rich")
    images.command("build")(_build)
    images.command("list")(_list)
    images.command("push")(_push)
    images.command("load")(_load)
    images.command("save")(_save)
    app.add_typer(images, name="images")


def _build(
    names: _Names = None,
    certificates: Annotated[
        Path | None,
        typer.Option(
            "--ca",
            metavar="FILE",
            help="Certificates to trust during the build, where a proxy shows its own. Without it: what SSL_CERT_FILE"
            " names, if anything.",
        ),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust-ca", help="Leave those certificates in the images too, for students' servers.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Build anew, with Debian's newest packages, what is built already.")
    ] = False,
    values: ValuesFile = None,
) -> None:
    """Build images. What is built and has not changed since is left as it is.

    Proxies and package indexes come from the environment (HTTPS_PROXY, PIP_INDEX_URL, NPM_CONFIG_REGISTRY) and stay out
    of the images.
    """
    from lumihub.operations.images import build, check_names

    wanted = check_names(names or [])
    build(load_settings(values), wanted, output, certificates=certificates, trust=trust, fresh=fresh)


def _list(names: _Names = None, values: ValuesFile = None, as_json: Json = False) -> None:
    """Show the images of this version: tag, size, when each was built, and where it was pushed."""
    from lumihub.operations.images import check_names, describe

    rows = describe(load_settings(values), check_names(names or []))
    if as_json:
        output.json(rows)
        return
    table = Table("Image", "Tag", "Size", "Built", "Pushed", box=None, header_style="bold")
    table.columns[1].overflow = "fold"
    for row in rows:
        size = format_bytes(row["bytes"]) if row["bytes"] else ""
        pushed = f"{row['pushed'][:10]} to {row['registry']}" if row["pushed"] else ""
        table.add_row(row["name"], row["tag"], size, row["built"] or "not built", pushed)
    output.table(table)


def _push(
    names: _Names = None,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Also to a registry without TLS, or with a certificate of its own."),
    ] = False,
    values: ValuesFile = None,
) -> None:
    """Push images to images.registry; the next `up` has the cluster pull exactly these."""
    from lumihub.operations.images import check_names, push

    push(load_settings(values), check_names(names or []), output, insecure=insecure)


def _load(
    names: _Names = None,
    archives: Annotated[
        list[Path] | None,
        typer.Option(
            "--archive", metavar="FILE", help="Take what `images save` has written: a file or a folder. Repeatable."
        ),
    ] = None,
    socket: _Socket = None,
    values: ValuesFile = None,
) -> None:
    """Put images onto the single node that this machine is, where no registry is."""
    from lumihub.operations.images import load

    load(load_settings(values), names or [], output, socket=socket, archives=archives or [])


def _save(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the archives go.")],
    names: _Names = None,
    values: ValuesFile = None,
) -> None:
    """Write images into archives, a file each, to carry them to where there is no network."""
    from lumihub.operations.images import check_names, save

    for archive in save(load_settings(values), check_names(names or []), folder, output):
        output.result(str(archive))
