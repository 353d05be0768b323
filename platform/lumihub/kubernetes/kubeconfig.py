"""The kubeconfig: which clusters this account knows, and a client for the one that is meant."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lumihub.errors import InputError, LumiHubError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_SHOWN = 8


def find_paths() -> list[Path]:
    """The files that kubectl reads too, those that are there."""
    named = os.environ.get("KUBECONFIG")
    paths = [Path(part) for part in named.split(os.pathsep) if part] if named else [Path.home() / ".kube" / "config"]
    return [path for path in paths if path.is_file()]


def load_contexts(paths: list[Path]) -> tuple[str, ...]:
    """Names of the contexts in these files, in their order.

    Raises:
        InputError: a file can't be read as a kubeconfig.
    """
    names: list[str] = []
    for path in paths:
        try:
            loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
            names += [str(entry["name"]) for entry in (loaded or {}).get("contexts") or []]
        except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
            raise InputError(
                "the kubeconfig can't be read",
                where=str(path),
                fix="ask whoever runs the cluster for a new one, or set KUBECONFIG to another",
            ) from error
    return tuple(dict.fromkeys(names))


def check_context(name: str, paths: list[Path], contexts: tuple[str, ...]) -> None:
    """Refuse a context that is in none of the files, naming those that are.

    Raises:
        InputError: there is no kubeconfig, or none of its contexts has that name.
    """
    if not paths:
        place = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
        raise InputError(
            f"kubernetes.context is {name}, and there is no kubeconfig",
            where=place,
            fix="set KUBECONFIG to the file that whoever runs the cluster gave you",
        )
    if name in contexts:
        return
    where = os.pathsep.join(map(str, paths))
    if not contexts:
        raise InputError("the kubeconfig names no cluster", where=where, fix="set KUBECONFIG to another file")
    near = difflib.get_close_matches(name, contexts, n=1, cutoff=0.6)
    more = f" and {len(contexts) - _SHOWN} more" if len(contexts) > _SHOWN else ""
    raise InputError(
        f"kubernetes.context: there is no context {name}",
        where=where,
        hint=near[0] if near else "",
        fix=f"name one of {', '.join(contexts[:_SHOWN])}{more} (kubectl config get-contexts)",
    )


def build_client(context: str) -> ApiClient:
    """A client of the cluster behind a context.

    Raises:
        InputError: there is no such context, or what it names is incomplete.
    """
    paths = find_paths()
    check_context(context, paths, load_contexts(paths))
    # Its import takes a second: whoever drives no cluster goes without.
    from kubernetes.client import Configuration
    from kubernetes.config import new_client_from_config
    from kubernetes.config.config_exception import ConfigException

    configuration: Any = Configuration()
    configuration.retries = False  # we ask again where that makes sense, and say at once what is wrong where not
    configuration.connection_pool_maxsize = 16
    try:
        client: ApiClient = new_client_from_config(
            os.pathsep.join(map(str, paths)), context, client_configuration=configuration
        )
    except ConfigException as error:
        raise InputError(
            f"the context {context} can't be used: {error}",
            where=os.pathsep.join(map(str, paths)),
            fix=f"mend it until this answers: kubectl --context {context} get nodes",
        ) from error
    except OSError as error:  # a certificate or key file that the context names
        raise LumiHubError(
            f"the context {context} can't be used: {error}",
            where=os.pathsep.join(map(str, paths)),
            fix=f"mend it until this answers: kubectl --context {context} get nodes",
        ) from error
    return client
