import pytest

from lumihub.settings.keys import find_key
from lumihub.settings.renamed import RENAMED, describe_renamed, find_new_name


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_the_new_name_is_a_key_and_the_old_one_is_not(old, new):
    assert find_key(old) is None
    key = find_key(new.partition(".config.")[0] + (".config" if ".config." in new else ""))
    assert key is not None


def test_words():
    assert describe_renamed("hub.extraConfig") == "hub.extraConfig is zero-to-jupyterhub's name; here it is hub.config"
    assert find_new_name("hub.config") is None
