from __future__ import annotations

import pytest

from lumihub.environment import report_failures
from lumihub.environment.failures import explain_failure
from lumihub.errors import LumiHubError

FULL = "the disk is full"
UNTRUSTED = (
    "the package registry's certificate is not trusted (some proxies put a certificate of their own in its place)"
)
UNREACHABLE = "the package registry could not be reached"
READ_ONLY = "this folder is read-only"
FORBIDDEN = "this account may not write where the environment belongs"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", FULL),
        ("  cause: failed to write to file\n  cause: No space left on device (os error 28)", FULL),
        ("[Errno 122] Disk quota exceeded: '/home/a/.cache/lumihub'", FULL),
        (
            "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate'))",
            UNTRUSTED,
        ),
        ("  cause: client error (Connect)\n  cause: invalid peer certificate: UnknownIssuer", UNTRUSTED),
        (
            "<pip._vendor...>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution",
            UNREACHABLE,
        ),
        ("  cause: client error (Connect)\n  cause: dns error", UNREACHABLE),
        (
            "  cause: client error (Connect)\n  cause: tcp connect error\n  cause: Connection refused (os error 111)",
            UNREACHABLE,
        ),
        ("ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407'))", UNREACHABLE),
        ("[Errno 30] Read-only file system: '/srv/lumihub/.venv.lock'", READ_ONLY),
        ("error: failed to create directory `/srv/.venv`: Permission denied (os error 13)", FORBIDDEN),
    ],
)
def test_words_of_pip_uv_and_the_system(words, what):
    assert explain_failure(words).faults[0].what == what


def test_an_error_number_is_not_the_beginning_of_another():
    assert explain_failure("Connection reset by peer (os error 104)") is None
    assert explain_failure("something (os error 130)") is None


def test_the_cause_that_brought_the_others_along_is_named():
    words = "Failed to establish a new connection\nPermission denied (os error 13)\nNo space left on device"
    assert explain_failure(words).faults[0].what == FULL


def test_unknown_words_are_not_explained():
    assert explain_failure("Failed to build `lumihub`") is None


def test_users_see_the_sentence_and_what_to_type():
    with pytest.raises(SystemExit) as stopped, report_failures():
        raise PermissionError(13, "Permission denied", "/srv/lumihub/.venv.lock")
    assert stopped.value.code == (
        "error: this account may not write where the environment belongs\n"
        "  in [Errno 13] Permission denied: '/srv/lumihub/.venv.lock'\n"
        "  fix: run this as the owner of the project folder (or with sudo), or copy the project to a folder of your own"
    )


def test_our_own_errors_are_shown_as_they_are():
    with pytest.raises(SystemExit) as stopped, report_failures():
        raise LumiHubError("no luck", fix="try again")
    assert stopped.value.code == "error: no luck\n  fix: try again"


def test_an_interruption_says_how_to_go_on(capsys):
    with pytest.raises(SystemExit) as stopped, report_failures():
        raise KeyboardInterrupt
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "\ninterrupted; type the same command again to go on\n"


def test_a_fault_of_the_program_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), report_failures():
        raise ZeroDivisionError
