from collections import Counter

import pytest

from lumihub.data.access import DataAccess
from lumihub.data.catalogue import load_catalogue
from lumihub.data.sharing import find_home, find_largest_share, pick_host

FILES = load_catalogue("2020").files
THREE = "root://a:1094,b:1094,c:1094//eos/opendata/atlas"


def test_one_host_is_every_files_home():
    assert pick_host("root://a:1094//eos/opendata/atlas", "x.root") == "root://a:1094//eos/opendata/atlas"
    assert pick_host("/srv/atlas", "x.root") == "/srv/atlas"


def test_files_are_spread_and_each_is_always_in_the_same_place():
    homes = Counter(pick_host(THREE, file.path) for file in FILES)
    assert set(homes) == {f"root://{host}:1094//eos/opendata/atlas" for host in "abc"}
    assert min(homes.values()) > 0.25 * len(FILES)
    assert Counter(pick_host(THREE, file.path) for file in FILES) == homes


def test_one_more_cache_takes_over_its_share_and_moves_nothing_else():
    moved = {file.path for file in FILES if find_home(file.path, 3) != find_home(file.path, 4)}
    assert {find_home(path, 4) for path in moved} == {3}
    assert 0.15 * len(FILES) < len(moved) < 0.35 * len(FILES)


@pytest.mark.parametrize("caches", [1, 3])
def test_the_largest_share_of_some_files(caches):
    sizes = {file.path: file.size for file in FILES}
    shares = Counter()
    for path, size in sizes.items():
        shares[find_home(path, caches)] += size
    assert find_largest_share(sizes, caches) == max(shares.values())


def test_a_reader_is_led_to_the_home_of_its_file():
    access = DataAccess(
        release="2020", mode="cache", origin="root://eos.example//eos/opendata/atlas", cache="root://a:1,b:1"
    )
    for file in FILES[:20]:
        host = "ab"[find_home(file.path, 2)]
        assert access.locate(file) == f"root://{host}:1//eos/opendata/atlas/{file.path}"
        assert access.is_cached(access.locate(file))
    assert not access.is_cached("root://eos.example//eos/opendata/atlas/x.root")
