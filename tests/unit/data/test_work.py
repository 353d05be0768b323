import io
import threading

import pytest
from pydantic import ValidationError

from lumihub.data import worklog
from lumihub.data.reading import DamagedError
from lumihub.data.records import DataFile
from lumihub.data.work import Report, WorkOrder, carry_out
from lumihub.errors import LumiHubError

FILES = (DataFile("a/data_A.4lep.root", 5, "058c01f5", "4lep", "data_A"), DataFile("a/b.root", 7, "0", "4lep", "b"))
ORDER = WorkOrder(verb="fetch", source="root://cern.example//eos", target="s3://lake/atlas", files=FILES)


def test_an_order_survives_its_way_to_a_pod():
    assert WorkOrder.unpack(ORDER.pack()) == ORDER
    assert ORDER.size == 12


def test_the_same_order_has_the_same_key_and_another_has_another():
    assert WorkOrder.unpack(ORDER.pack()).key == ORDER.key
    assert ORDER.model_copy(update={"target": "s3://lake/other"}).key != ORDER.key


def test_what_is_left_of_an_order_is_the_same_request():
    left = ORDER.only(FILES[1:])
    assert (left.files, left.key) == (FILES[1:], ORDER.key)
    assert left.only(FILES[:1]).key == ORDER.key


def test_an_order_of_nothing_is_none():
    with pytest.raises(ValidationError):
        WorkOrder(verb="warm", source="/srv", files=())


def test_all_files_of_a_release_fit_into_a_kubernetes_object():
    from lumihub.data.catalogue import load_catalogue

    for release in ("2020", "2025"):
        order = WorkOrder(verb="warm", source="root://cache:1094//eos", files=load_catalogue(release).files)
        assert len(order.pack()) < 300_000


def test_what_is_told_is_heard_and_other_lines_are_not():
    out = io.StringIO()
    worklog.tell("bytes", out, done=3, files=1)
    assert worklog.hear(out.getvalue()) == ("bytes", {"done": 3, "files": 1})
    for line in ("", "2026-11-25 distributed.core - INFO - started", '{"level": "info"}', "[1]", "12"):
        assert worklog.hear(line) is None


def test_a_report_survives_its_way_out_of_a_pod():
    error = DamagedError("b came in wrong", where="root://x", fix="look")
    report = Report(("a",), 5, 1.25, {"b": error}, ("b",))
    found = worklog.read_report(worklog.write_report(report))
    assert (found.done, found.bytes, found.seconds, found.damaged) == (("a",), 5, 1.25, ("b",))
    assert str(found.faults["b"]) == str(error)


def test_warming_reads_to_the_end_and_tells_each_block(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/data_A.4lep.root").write_bytes(b"hallo")
    told = []
    order = WorkOrder(verb="warm", source=str(tmp_path), files=FILES)
    right = DataFile("a/data_A.4lep.root", 5, "061c0211", "4lep", "data_A")
    assert carry_out(order, right, told.append, threading.Event()) == 5
    assert told == [5]
    with pytest.raises(DamagedError) as caught:
        carry_out(order, FILES[0], told.append, threading.Event())
    assert "adler32 061c0211, and the manifest says 058c01f5" in str(caught.value)


def test_fetching_into_a_folder_does_nothing_twice(tmp_path):
    (tmp_path / "from/a").mkdir(parents=True)
    (tmp_path / "from/a/data_A.4lep.root").write_bytes(b"hallo")
    file = DataFile("a/data_A.4lep.root", 5, "061c0211", "4lep", "data_A")
    order = WorkOrder(verb="fetch", source=str(tmp_path / "from"), target=str(tmp_path / "to"), files=(file,))
    assert [carry_out(order, file, lambda _: None, threading.Event()) for _ in range(2)] == [5, 0]
    assert (tmp_path / "to/a/data_A.4lep.root").read_bytes() == b"hallo"


def test_a_file_that_the_origin_has_not_got_is_named(tmp_path):
    order = WorkOrder(verb="warm", source=str(tmp_path), files=FILES)
    with pytest.raises(LumiHubError) as caught:
        carry_out(order, FILES[0], lambda _: None, threading.Event())
    assert str(caught.value).startswith("error: a/data_A.4lep.root did not arrive: the origin does not have")
