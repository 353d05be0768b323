import http.client
import json
import socket
import threading
import time

import pytest

from lumihub.data.cache_keeper import Keeper, build_server
from lumihub.data.consumption import Consumption
from lumihub.data.pins import Pins

ORIGIN = "eos/opendata/atlas"
# As XRootD 5.8 sends it when a file is closed.
MESSAGE = {
    "event": "file_close",
    "lfn": f"/{ORIGIN}/4lep/data_A.4lep.root",
    "size": 1000,
    "b_hit": 300,
    "b_miss": 700,
    "b_bypass": 0,
}


@pytest.fixture
def keeper(tmp_path):
    folder = tmp_path / ORIGIN
    return Keeper(folder, Consumption(tmp_path / "usage.json", ORIGIN), Pins(tmp_path / "pins.json", folder))


@pytest.fixture
def ask(keeper):
    server = build_server(keeper, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def ask(method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=5)
        connection.request(method, path, body)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if answer.status == 200 else None

    yield ask
    server.shutdown()
    server.server_close()


def test_an_empty_cache(ask):
    assert ask("GET", "/") == (200, {"files": [], "consumption": {}, "pinned": {}})


def test_what_readers_got_is_counted_and_kept(keeper, tmp_path):
    for _ in range(2):
        keeper.consumption.count(json.dumps(MESSAGE).encode() + b"\n")
    counted = {"4lep/data_A.4lep.root": {"hit": 600, "missed": 1400, "bypassed": 0}}
    assert keeper.consumption.by_path() == counted
    assert Consumption(tmp_path / "usage.json", ORIGIN).by_path() == counted


def test_other_messages_and_other_places_count_for_nothing(keeper, tmp_path):
    for words in (b"", b"\xff\xfe", b"[]", b'{"lfn": 3}', json.dumps(MESSAGE | {"b_hit": "x"}).encode()):
        keeper.consumption.count(words)
    keeper.consumption.count(json.dumps(MESSAGE | {"lfn": "/etc/passwd"}).encode())
    assert keeper.consumption.by_path() == {}


def test_counts_that_were_cut_short_begin_anew(tmp_path):
    (tmp_path / "usage.json").write_text('{"4lep/da')
    assert Consumption(tmp_path / "usage.json", ORIGIN).by_path() == {}


def test_files_are_thrown_out_with_their_records(keeper, ask):
    folder = keeper.folder / "4lep"
    folder.mkdir(parents=True)
    for name in ("a.root", "a.root.cinfo", "b.root", "b.root.cinfo"):
        (folder / name).write_bytes(b"x")
    assert ask("POST", "/evict", json.dumps(["4lep/a.root", "4lep/none.root"])) == (200, ["4lep/a.root"])
    assert sorted(path.name for path in folder.iterdir()) == ["b.root", "b.root.cinfo"]


@pytest.mark.parametrize("path", ["../outside.root", "/etc/passwd", "4lep/../../outside.root"])
def test_nothing_outside_of_the_cache_is_touched(keeper, ask, tmp_path, path):
    outside = keeper.folder.parent / "outside.root"
    keeper.folder.mkdir(parents=True)
    for name in ("outside.root", "outside.root.cinfo"):
        (keeper.folder.parent / name).write_bytes(b"x")
    assert ask("POST", "/evict", json.dumps([path])) == (200, [])
    assert outside.exists()


def test_nonsense_is_refused(ask):
    assert ask("POST", "/evict", "{")[0] == 400
    assert ask("POST", "/evict", "3")[0] == 400
    assert ask("PUT", "/pins", '["4lep/a.root"]')[0] == 400


def test_pinned_files_look_younger_than_all_others_until_they_are_let_go(keeper, ask, tmp_path):
    folder = keeper.folder / "4lep"
    folder.mkdir(parents=True)
    records = [folder / f"{name}.root.cinfo" for name in "ab"]
    for record in records:
        record.write_bytes(b"x")
    assert ask(
        "PUT", "/pins", json.dumps(dict.fromkeys(["4lep/a.root", "4lep/none.root", "../x.root", "/etc/x"], 7))
    ) == (
        200,
        {"4lep/a.root": 7, "4lep/none.root": 7},
    )
    now = time.time()
    assert records[0].stat().st_mtime > now + 1e9 > records[1].stat().st_mtime
    # As XRootD does when a reader closes it; and a keeper that was started again holds the same files.
    records[0].write_bytes(b"y")
    assert records[0].stat().st_mtime < now + 60
    again = Pins(tmp_path / "pins.json", keeper.folder)
    again.hold()
    assert records[0].stat().st_mtime > now + 1e9
    assert ask("GET", "/")[1]["pinned"] == again.sizes()
    assert ask("DELETE", "/pins", json.dumps(["4lep/a.root"])) == (200, {"4lep/none.root": 7})
    assert records[0].stat().st_mtime < now + 60


def test_a_list_of_pins_that_was_cut_short_begins_anew(tmp_path):
    (tmp_path / "pins.json").write_text('{"4le')
    assert Pins(tmp_path / "pins.json", tmp_path).sizes() == {}


def test_it_listens_on_loopback_alone(keeper):
    server = build_server(keeper, 0)
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert server.socket.family == socket.AF_INET
    server.server_close()
