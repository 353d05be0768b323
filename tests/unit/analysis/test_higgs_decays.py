from __future__ import annotations

import itertools

import pytest
from matplotlib.patches import PathPatch

from lumihub.analysis import higgs_decays
from lumihub.analysis.higgs_decays import HIGGS_FRACTIONS, W_FRACTIONS, Z_FRACTIONS, draw_sankey


def test_published_fractions_add_up() -> None:
    assert sum(HIGGS_FRACTIONS.values()) == pytest.approx(0.999738, abs=1e-6)
    assert higgs_decays.unlisted_fraction() == pytest.approx(0.000262, abs=1e-6)
    assert sum(Z_FRACTIONS.values()) == pytest.approx(1, abs=2e-4)
    # The world averages of the W's decays are rounded one by one.
    assert sum(W_FRACTIONS.values()) == pytest.approx(1, abs=2e-3)


def test_second_steps_share_out_all_of_the_first() -> None:
    assert sum(decay.share for decay in higgs_decays.z_pair_decays()) == pytest.approx(1, abs=3e-4)
    assert sum(decay.share for decay in higgs_decays.w_pair_decays()) == pytest.approx(1)


def test_four_leptons_are_as_rare_as_the_working_group_says() -> None:
    # Yellow Report 4 has 1.25e-4 with the interference of identical leptons, which is left out here.
    assert higgs_decays.four_lepton_fraction() == pytest.approx(1.25e-4, rel=0.05)


def test_every_stream_is_as_wide_as_its_share() -> None:
    figure = draw_sankey()
    (axes,) = figure.axes
    streams = [patch for patch in axes.patches if isinstance(patch, PathPatch)][: len(HIGGS_FRACTIONS)]
    for stream, share in zip(streams, HIGGS_FRACTIONS.values(), strict=True):
        corners = stream.get_path().vertices
        assert corners[0][1] - corners[-1][1] == pytest.approx(share)
        assert corners[3][1] - corners[4][1] == pytest.approx(share)


def test_streams_leave_the_higgs_boson_side_by_side() -> None:
    (axes,) = draw_sankey().axes
    streams = [patch.get_path().vertices for patch in axes.patches if isinstance(patch, PathPatch)]
    # Those of the second step leave the W and Z bosons.
    streams = streams[: len(HIGGS_FRACTIONS)]
    for above, below in itertools.pairwise(streams):
        assert below[0][1] == pytest.approx(above[-1][1])


def test_invented_numbers_do_not_claim_a_source() -> None:
    equal = dict.fromkeys(HIGGS_FRACTIONS, 1 / 9)
    said = {text.get_text() for text in draw_sankey(equal).texts}
    assert said == {"invented numbers"}
    assert {text.get_text() for text in draw_sankey().texts} == {
        "LHC Higgs WG, Yellow Report 4 (125.09 GeV); Particle Data Group 2026"
    }


def test_the_diagram_in_words() -> None:
    words = draw_sankey().alt
    assert words.startswith(
        "What a Higgs boson decays into, in streams as wide as their share: bottom quarks 58.1 %; W"
    )
    assert "; Z bosons end as 4 electrons or muons 0.012 %, 2 electrons or muons and others 0.32 %" in words
    assert draw_sankey(dict.fromkeys(HIGGS_FRACTIONS, 1 / 9)).alt.endswith(" Source: invented numbers.")


def test_no_labels_lie_on_each_other() -> None:
    figure = draw_sankey()
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])
