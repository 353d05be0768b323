from __future__ import annotations

from lumihub.lab.notice import build_page


def test_a_full_home_names_what_fills_it_and_leads_on() -> None:
    page = build_page([("results/", "80.0 MB", "fill.bin"), ("<b>", "1 B", "")], full=True, lab="/user/ada/lab")
    assert "<h1>Your home is full</h1>" in page
    assert "<tr><td>results/</td><td>80.0 MB</td><td>fill.bin</td></tr>" in page
    assert "<td>&lt;b&gt;</td>" in page
    assert '<a class="button" href="/user/ada/lab">Open JupyterLab</a>' in page


def test_a_home_with_room_again_says_so() -> None:
    page = build_page([], full=False, lab="/lab")
    assert "<h1>There is room again</h1>" in page
    assert "<table>" not in page
