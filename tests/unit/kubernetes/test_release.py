import json

import pytest

from lumihub.errors import InputError
from lumihub.kubernetes.release import find_deployed, find_fallback, parse_history, pick_rollback


def history(*states):
    """States, each `status` or `status: description`, of revisions that count from 1."""
    entries = []
    for number, state in enumerate(states, 1):
        status, _, description = state.partition(": ")
        entries.append(
            {
                "revision": number,
                "status": status,
                "description": description or "Upgrade complete",
                "updated": "2026-01-01T10:00:00.123456789+01:00",
                "app_version": "0.1.0",
            }
        )
    return parse_history(json.dumps(entries[::-1]))


def test_history_comes_oldest_first():
    assert [one.number for one in history("superseded", "deployed")] == [1, 2]


def test_deployed_revision_serves_whatever_came_after():
    assert find_deployed(history("superseded", "deployed", "failed")).number == 2
    assert find_deployed(history("pending-install")) is None


@pytest.mark.parametrize(
    ("states", "number"),
    [
        (("deployed", "pending-upgrade"), 1),
        (("superseded", "deployed", "failed", "pending-rollback"), 2),
        (("superseded", "pending-rollback"), 1),
    ],
)
def test_killed_change_goes_back_to_what_served(states, number):
    found = history(*states)
    assert found[-1].pending
    assert find_fallback(found).number == number


def test_killed_first_installation_has_nothing_to_go_back_to():
    assert find_fallback(history("pending-install")) is None


def test_rollback_goes_to_the_one_before_that_served():
    assert pick_rollback(history("superseded", "failed", "deployed"), None).number == 1
    assert pick_rollback(history("superseded", "superseded", "deployed"), 1).number == 1


def test_second_rollback_goes_further_back_and_not_forth():
    assert pick_rollback(history("superseded", "superseded", "superseded", "deployed: Rollback to 2"), None).number == 1


def test_rollback_without_an_earlier_revision_says_so():
    with pytest.raises(InputError) as caught:
        pick_rollback(history("deployed"), None)
    assert str(caught.value) == (
        "error: there is no earlier revision to go back to\n  fix: ./deploy.py status shows the one that runs"
    )


def test_rollback_to_a_revision_that_never_served_names_those_that_did():
    with pytest.raises(InputError) as caught:
        pick_rollback(history("superseded", "failed", "deployed"), 2)
    assert str(caught.value) == "error: there is no revision 2 that ever served\n  fix: name one of 1, 3"
