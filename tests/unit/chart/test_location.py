from lumihub.chart.location import CHART, find_chart


def test_the_chart_of_a_checkout():
    assert (CHART / "Chart.yaml").is_file()


def test_the_chart_of_an_installed_package(tmp_path):
    installed = tmp_path / "lumihub" / "helm" / "lumihub"
    installed.mkdir(parents=True)
    assert find_chart(tmp_path / "lumihub") == installed
