from lumihub.kubernetes.target import Target, build_target, find_last, find_register, remember
from lumihub.settings import Settings

CAMPUS = Target("campus", "https://api.example.org", "lumihub", "lumihub")


def test_place_of_the_last_up_is_remembered_by_values_file(tmp_path):
    register = tmp_path / "below" / "targets.json"
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    assert find_last(one, register) is None
    remember(one, CAMPUS, register)
    assert find_last(one, register) == CAMPUS
    assert find_last(other, register) is None


def test_broken_register_is_as_good_as_none(tmp_path):
    register = tmp_path / "targets.json"
    register.write_text("[1")
    assert find_last(tmp_path / "one.yaml", register) is None
    register.write_text(f'{{"{tmp_path / "one.yaml"}": {{"cluster": "old"}}}}')
    assert find_last(tmp_path / "one.yaml", register) is None


def test_register_that_can_not_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    remember(tmp_path / "one.yaml", CAMPUS, tmp_path / "file" / "targets.json")


def test_register_lies_in_the_state_folder_of_the_account(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert find_register() == tmp_path / "lumihub" / "targets.json"


def test_target_in_one_line():
    settings = Settings.model_validate({"kubernetes": {"context": "campus"}})
    target = build_target(settings, "https://api.example.org")
    assert target == CAMPUS
    assert str(target) == "the cluster campus (https://api.example.org), namespace lumihub"
    assert str(Target("campus", "https://a", "two", "other")).endswith("namespace two, release other")
