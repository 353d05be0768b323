import os
import sys

import pytest

from lumihub.errors import LumiHubError
from lumihub.kubernetes.image_steps import describe_step, run_builder


class Bar:
    def __init__(self):
        self.said = []

    def advance(self, amount=1):
        raise AssertionError("a builder's steps are of no known length")

    def describe(self, text):
        self.said.append(text)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("STEP 3/9: RUN apt-get update", "step 3/9 RUN"),
        ("[2/5] STEP 3/4: COPY a b", "stage 2/5, step 3/4 COPY"),
        ("#12 [core 3/3] RUN set -eu", "stage core, step 3/3 RUN"),
        ("#5 [1/2] FROM docker.io/library/debian", "step 1/2 FROM"),
        ("--> Using cache 1234", None),
        ("#12 0.345 Get:1 http://deb.debian.org", None),
    ],
)
def test_steps(line, said):
    assert describe_step(line) == said


def run(script, bar=None):
    return run_builder([sys.executable, "-c", script], os.environ, "build lab", bar or Bar())


def test_shows_the_steps_and_returns_the_last_lines():
    bar = Bar()
    assert run("print('STEP 1/2: FROM x'); print(); print('done')", bar) == "STEP 1/2: FROM x\ndone"
    assert bar.said == ["build lab: step 1/2 FROM"]


def test_its_own_words_come_with_the_error():
    with pytest.raises(LumiHubError) as caught:
        run("import sys; print('E: no such package: xrootd-sever', file=sys.stderr); sys.exit(100)")
    assert str(caught.value) == (
        f"error: could not build lab: {sys.executable} ended with exit code 100; its last words:\n"
        "E: no such package: xrootd-sever"
    )


def test_a_known_cause_comes_with_its_remedy():
    with pytest.raises(LumiHubError) as caught:
        run("import sys; print('invalid peer certificate: UnknownIssuer'); sys.exit(1)")
    assert "export SSL_CERT_FILE=/path/to/that-ca.pem" in str(caught.value)
