"""A cluster's API: objects as JSON, and errors that say what to type."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from lumihub.errors import LumiHubError
from lumihub.kubernetes.kubeconfig import build_client

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kubernetes.client import ApiClient

Object = dict[str, Any]

_SECONDS = 30.0
_APPLY = "application/apply-patch+yaml"


class ApiError(LumiHubError):
    """What the API server answered in place of what was asked for.

    Attributes:
        status: HTTP status.
        message: the server's own words.
    """

    def __init__(self, status: int, message: str, *, what: str, where: str, fix: str) -> None:
        super().__init__(what, where=where, fix=fix)
        self.status = status
        self.message = message


class Cluster:
    """One cluster, by its context in the kubeconfig.

    Args:
        context: the name in the kubeconfig.
        client: of the library.

    Attributes:
        server: address of the API server.
    """

    def __init__(self, context: str, client: ApiClient) -> None:
        self.context = context
        self.client = client
        self.server: str = client.configuration.host
        self._kinds: dict[str, dict[str, tuple[str, bool]]] = {}

    def get(self, path: str, **query: str) -> Object:
        """An object or a list.

        Raises:
            ApiError: it is not there, or the account has no right to it.
            LumiHubError: the API server does not answer.
        """
        answer: Object = json.loads(self._ask("GET", path, query).data)
        return answer

    def find(self, path: str, **query: str) -> Object | None:
        """An object, or None where there is none."""
        try:
            return self.get(path, **query)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def items(self, path: str, **query: str) -> list[Object]:
        """The objects of a list; none where the namespace or kind is not there."""
        found = self.find(path, **query)
        return list(found["items"]) if found else []

    def create(self, path: str, body: Object, *, dry_run: bool = False) -> Object:
        """Make an object; with `dry_run` only ask whether the server would take it."""
        query = {"dryRun": "All"} if dry_run else {}
        answer: Object = json.loads(self._ask("POST", path, query, body).data)
        return answer

    def apply(self, path: str, body: Object, *, manager: str = "lumihub", dry_run: bool = False) -> Object:
        """Make an object, or change those of its fields that `body` names."""
        query = {"fieldManager": manager, "force": "true", **({"dryRun": "All"} if dry_run else {})}
        answer: Object = json.loads(self._ask("PATCH", path, query, body, content_type=_APPLY).data)
        return answer

    def replace(self, path: str, body: Object) -> Object:
        """Put an object in the place of the one that was read; refused (409) when it changed meanwhile."""
        answer: Object = json.loads(self._ask("PUT", path, {}, body).data)
        return answer

    def delete(self, path: str, *, grace: int | None = None) -> bool:
        """Remove an object and what belongs to it; False where there was none."""
        query = {"propagationPolicy": "Background"} | ({} if grace is None else {"gracePeriodSeconds": str(grace)})
        try:
            self._ask("DELETE", path, query)
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def text(self, path: str, **query: str) -> str:
        """An answer that is not JSON, as a pod's log is."""
        return bytes(self._ask("GET", path, query).data).decode(errors="replace")

    def header(self, path: str, name: str) -> str:
        """A header of the answer."""
        return str(self._ask("GET", path, {}).headers.get(name, ""))

    def lines(self, path: str, **query: str) -> Iterator[str]:
        """The lines of an answer that goes on, as they come."""
        with self._explained(f"GET {path}"):
            response = self._send("GET", path, query, None, None, timeout=None)
            rest = b""
            for chunk in response.response.stream(4096, decode_content=True):
                *whole, rest = (rest + chunk).split(b"\n")
                yield from (line.decode(errors="replace") for line in whole)
            if rest:
                yield rest.decode(errors="replace")

    def version(self) -> str:
        """Version of the API server, as in v1.34.4."""
        return str(self.get("/version")["gitVersion"])

    def may(self, verb: str, resource: str, namespace: str = "", *, group: str = "", subresource: str = "") -> bool:
        """Whether this account has a right; the API server itself says so."""
        attributes = {"verb": verb, "resource": resource, "group": group}
        attributes |= {"namespace": namespace} if namespace else {}
        attributes |= {"subresource": subresource} if subresource else {}
        review = self.create(
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes},
            },
        )
        return bool(review["status"]["allowed"])

    def locate(self, manifest: Object, namespace: str) -> str | None:
        """The path of an object, by what the server says about its kind; None where it knows no such kind.

        Args:
            manifest: the object, or its apiVersion, kind and name.
            namespace: where it is when it names none.
        """
        version, metadata = manifest["apiVersion"], manifest["metadata"]
        if version not in self._kinds:
            found = self.find(_group_path(version))
            self._kinds[version] = {
                one["kind"]: (one["name"], one["namespaced"])
                for one in (found or {"resources": []})["resources"]
                if "/" not in one["name"]
            }
        known = self._kinds[version].get(manifest["kind"])
        if known is None:
            return None
        plural, namespaced = known
        inside = f"/namespaces/{metadata.get('namespace', namespace)}" if namespaced else ""
        return f"{_group_path(version)}{inside}/{plural}/{metadata['name']}"

    def authorized_headers(self) -> dict[str, str]:
        """Headers that prove who we are; fresh, because tokens end."""
        headers: dict[str, str] = {}
        self.client.update_params_for_auth(headers, [], ["BearerToken"], "", "GET", None)
        return headers

    def _ask(
        self, method: str, path: str, query: Mapping[str, str], body: Object | None = None, content_type: str = ""
    ) -> Any:
        with self._explained(f"{method} {path}"):
            response = self._send(method, path, query, body, content_type or None, timeout=_SECONDS)
            response.read()
            return response

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | None,
        content_type: str | None,
        timeout: float | None,
    ) -> Any:
        from kubernetes.client.exceptions import ApiException

        url = f"{self.server}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json, */*", **self.authorized_headers()}
        if body is not None:
            headers["Content-Type"] = content_type or "application/json"
        # The library turns only JSON into text by itself.
        sent: Any = json.dumps(body) if content_type and body is not None else body
        response = self.client.call_api(method, url, headers, sent, None, timeout or (10.0, None))
        if not 200 <= response.status < 300:
            response.read()
            raise ApiException(http_resp=response, body=response.data, data=None)
        return response

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        import urllib3
        from kubernetes.client.exceptions import ApiException

        try:
            yield
        except ApiException as error:
            if not error.status:  # the library's way to say that TLS did not come about
                raise build_unreachable(self, error) from error
            raise _build_api_error(self, what, error.status, str(error.reason), error.body) from error
        except urllib3.exceptions.HTTPError as error:
            raise build_unreachable(self, error) from error
        except OSError as error:
            raise build_unreachable(self, error) from error


def connect(context: str) -> Cluster:
    """A cluster by its context. Nothing is sent yet.

    Raises:
        InputError: the kubeconfig has no such context.
    """
    return Cluster(context, build_client(context))


def build_unreachable(cluster: Cluster, error: Exception) -> LumiHubError:
    """The API server did not answer: why, and what to look at."""
    said = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in said:
        reason = re.search(r"certificate verify failed: ([^(\"']*)", said)
        return LumiHubError(
            f"the certificate of the API server is not trusted: {reason[1].strip() if reason else 'unknown issuer'}",
            where=cluster.server,
            fix=f"get a fresh kubeconfig for the context {cluster.context} from whoever runs the cluster",
        )
    return LumiHubError(
        f"the API server of {cluster.context} does not answer: {_short_reason(said)}",
        where=cluster.server,
        fix=f"check the network or VPN until this answers: kubectl --context {cluster.context} get nodes",
    )


def _build_api_error(cluster: Cluster, what: str, status: int, reason: str, body: Any) -> ApiError:
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        message = reason
    where = f"{what} at {cluster.server}"
    if status == 401:
        return ApiError(
            status,
            message,
            what=f"the cluster does not accept the credentials of the context {cluster.context} (expired?)",
            where=where,
            fix=f"log in to the cluster again, until this answers: kubectl --context {cluster.context} get nodes",
        )
    if status == 403:
        return ApiError(
            status,
            message,
            what=f"the account of the context {cluster.context} lacks a right: {message}",
            where=where,
            fix="ask whoever runs the cluster for it; ./deploy.py doctor lists all that are needed",
        )
    return ApiError(
        status, message, what=f"the cluster answered {status}: {message}", where=where, fix="./deploy.py doctor"
    )


def _short_reason(text: str) -> str:
    for sign, words in (
        ("Name or service not known", "its name is not known here"),
        ("Temporary failure in name resolution", "its name can't be looked up"),
        ("nodename nor servname", "its name is not known here"),
        ("Connection refused", "it refuses connections"),
        ("timed out", "nothing came back in time"),
        ("Network is unreachable", "there is no way to its network"),
        ("No route to host", "there is no way to its network"),
    ):
        if sign in text:
            return words
    return " ".join(text.split())[-200:]


def _group_path(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
