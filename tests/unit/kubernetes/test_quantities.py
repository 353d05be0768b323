import pytest

from lumihub.kubernetes.quantities import parse_quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", 0.5), ("2", 2), (3, 3), ("1Gi", 2**30), ("1.5Mi", 1.5 * 2**20), ("2G", 2e9), ("1e3", 1000), ("7n", 7e-9)],
)
def test_quantities(text, number):
    assert parse_quantity(text) == pytest.approx(number)


@pytest.mark.parametrize("text", ["", "1GB", "m", "1 Gi"])
def test_what_is_no_quantity(text):
    with pytest.raises(ValueError, match="is not a quantity of Kubernetes"):
        parse_quantity(text)
