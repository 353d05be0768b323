import pytest

from lumihub.settings.quantities import format_bytes, parse_memory


@pytest.mark.parametrize(
    ("text", "amount"),
    [("512M", 512 * 1024**2), ("1.5G", 3 * 1024**3 // 2), ("2T", 2 * 1024**4), ("64K", 65536), ("7", 7)],
)
def test_memory_is_in_powers_of_1024(text, amount):
    assert parse_memory(text) == amount


@pytest.mark.parametrize("text", ["", "G", "2Gi", "2 G", "-1G", "2g", "1e3M", "two"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="should be a number with a unit"):
        parse_memory(text)


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2.5e9, "2.5 GB"), (3e15, "3000.0 TB")]
)
def test_bytes_for_people_are_in_powers_of_1000(amount, text):
    assert format_bytes(amount) == text
