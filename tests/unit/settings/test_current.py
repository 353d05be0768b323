import pytest

from lumihub.errors import InputError
from lumihub.settings.current import load_current


def test_without_a_file_the_defaults_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    current = load_current(None)
    assert current.find("cull.timeout") == "3600"
    assert current.find("proxy.https.manual.key") is None


def test_a_value_of_the_file_comes_with_its_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "values.yaml").write_text("cull:\n  timeout: 60\n  every: 10\n")
    current = load_current(None)
    assert current.find("cull.timeout") == "60  (values.yaml, line 2)"
    assert current.find("cull.maxAge") == "0"


def test_of_a_file_with_faults_nothing_holds(tmp_path):
    path = tmp_path / "v.yaml"
    path.write_text("cul: 1")
    current = load_current(path)
    assert current.faulty
    assert current.find("cull.timeout") is None


def test_a_named_file_must_be_there(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        load_current(tmp_path / "v.yaml")
