import re

import pytest

from lumihub.labels import label_student


@pytest.mark.parametrize("name", ["ada", "ada@example.org", "x" * 200, "ü"])
def test_any_name_makes_a_label(name):
    assert re.fullmatch(r"[a-z0-9]{1,63}", label_student(name))


def test_names_differ():
    assert label_student("ada") != label_student("Ada")
    assert label_student("ada") == label_student("ada")
