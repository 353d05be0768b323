"""What a Higgs boson decays into, with the published numbers, and the diagram that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from lumihub.analysis.figures import DescribedFigure

HIGGS_FRACTIONS = {
    "bb": 0.5809,
    "WW": 0.2152,
    "gg": 0.0818,
    "tautau": 0.06256,
    "cc": 0.02884,
    "ZZ": 0.02641,
    "gammagamma": 0.00227,
    "Zgamma": 0.001541,
    "mumu": 0.0002171,
}
"""Share of the decays of a Higgs boson of 125.09 GeV: LHC Higgs Cross Section Working Group, Yellow Report 4."""

Z_FRACTIONS = {"hadrons": 0.69911, "invisible": 0.2, "ee": 0.033632, "mumu": 0.033662, "tautau": 0.033696}
"""Share of the decays of a Z boson: Particle Data Group, 2026."""

W_FRACTIONS = {"hadrons": 0.6741, "e_nu": 0.1071, "mu_nu": 0.1063, "tau_nu": 0.1138}
"""Share of the decays of a W boson: Particle Data Group, 2026."""

NAMES = {
    "bb": r"bottom quarks  $b\bar{b}$",
    "WW": r"W bosons  $WW^*$",
    "gg": r"gluons  $gg$",
    "tautau": r"tau leptons  $\tau\tau$",
    "cc": r"charm quarks  $c\bar{c}$",
    "ZZ": r"Z bosons  $ZZ^*$",
    "gammagamma": r"photons  $\gamma\gamma$",
    "Zgamma": r"Z and photon  $Z\gamma$",
    "mumu": r"muons  $\mu\mu$",
}


@dataclass(frozen=True, slots=True)
class Decay:
    """One way for the decay of a pair of bosons to end; `share` is of that pair's decays."""

    title: str
    share: float


def z_pair_decays() -> list[Decay]:
    """How two Z bosons end, each decaying on its own; the shares add up to one within the published numbers' rounding.

    The first entry is the one of the lessons: four electrons or muons. Interference between identical leptons, which
    adds a few per cent there, is left out.
    """
    leptons = Z_FRACTIONS["ee"] + Z_FRACTIONS["mumu"]
    quarks, unseen, taus = (Z_FRACTIONS[name] for name in ("hadrons", "invisible", "tautau"))
    return [
        Decay("4 electrons or muons", leptons**2),
        Decay("2 electrons or muons and quarks", 2 * leptons * quarks),
        Decay("2 electrons or muons and neutrinos", 2 * leptons * unseen),
        Decay("quarks only", quarks**2),
        Decay("quarks and neutrinos", 2 * quarks * unseen),
        Decay("neutrinos only", unseen**2),
        Decay("with tau leptons", 2 * taus - taus**2),
    ]


def w_pair_decays() -> list[Decay]:
    """How two W bosons end, each decaying on its own."""
    quarks = W_FRACTIONS["hadrons"]
    leptons = 1 - quarks
    return [
        Decay("quarks only", quarks**2),
        Decay("quarks, a lepton and a neutrino", 2 * quarks * leptons),
        Decay("2 leptons and 2 neutrinos", leptons**2),
    ]


def four_lepton_fraction() -> float:
    """Share of Higgs bosons that end as four electrons or muons through two Z bosons: about one in 8,400."""
    return HIGGS_FRACTIONS["ZZ"] * z_pair_decays()[0].share


def unlisted_fraction() -> float:
    """What the listed decays leave: rarer ones (as strange quarks), and rounding."""
    return 1 - sum(HIGGS_FRACTIONS.values())


@dataclass(frozen=True, slots=True)
class _Ribbon:
    """A flow from one column of the diagram to the next; heights as shares of all Higgs bosons."""

    left_top: float
    right_top: float
    share: float
    color: str


# Told apart also by people who confuse red and green (after Okabe and Ito).
_COLORS = {
    "bb": "#0072B2",
    "WW": "#E69F00",
    "gg": "#999999",
    "tautau": "#56B4E9",
    "cc": "#7570B3",
    "ZZ": "#D55E00",
    "gammagamma": "#009E73",
    "Zgamma": "#B5A000",
    "mumu": "#CC79A7",
}
_HIGGS_COLOR = "#444444"
_LEFT, _MIDDLE, _SECOND, _RIGHT, _BAR = 0.0, 0.38, 0.72, 0.88, 0.025
_GAP = 0.045
# Shares below this get their label at a distance that can still be read.
_THINNEST = 0.004


def draw_sankey(fractions: dict[str, float] | None = None) -> DescribedFigure:
    """Draw the decays of the Higgs boson as streams as wide as their share.

    Args:
        fractions: share by decay, with the keys of `HIGGS_FRACTIONS`; the published ones when None.

    Returns:
        The figure, which a notebook shows when it is a cell's last line.
    """
    import matplotlib.pyplot as plt

    from lumihub.analysis.figures import DescribedFigure

    published = fractions is None
    fractions = HIGGS_FRACTIONS if fractions is None else fractions
    figure = cast("DescribedFigure", plt.figure(FigureClass=DescribedFigure, figsize=(11, 7.5), layout="constrained"))
    axes = figure.subplots()
    tops = _stack(list(fractions.values()), _GAP)
    height = sum(max(share, _THINNEST) for share in fractions.values()) + _GAP * (len(fractions) - 1)
    offset = (height - sum(fractions.values())) / 2
    _draw_bar(axes, _LEFT - _BAR, -offset, sum(fractions.values()), _HIGGS_COLOR)
    axes.text(_LEFT - _BAR - 0.015, -height / 2, "Higgs\nboson", ha="right", va="center", fontsize=15, weight="bold")
    left = -offset
    for (name, share), top in zip(fractions.items(), tops, strict=True):
        color = _COLORS[name]
        _draw_ribbon(axes, (_LEFT, _MIDDLE), _Ribbon(left, top, share, color))
        _draw_bar(axes, _MIDDLE, top, share, color)
        _label(axes, _MIDDLE + _BAR, top, share, f"{NAMES[name]}   {_percent(share)}")
        left -= share
    pairs = {"WW": w_pair_decays(), "ZZ": _short_z_decays()}
    for name, decays in pairs.items():
        _draw_second_step(axes, tops[list(fractions).index(name)], fractions[name], decays, _COLORS[name])
    axes.set(xlim=(-0.15, 1.32), ylim=(-height - 0.07, 0.03))
    axes.set_axis_off()
    title = f"What a Higgs boson {'decays' if published else 'might decay'} into"
    axes.set_title(title, fontsize=16)
    source = "LHC Higgs WG, Yellow Report 4 (125.09 GeV); Particle Data Group 2026" if published else "invented numbers"
    figure.text(0.01, 0.005, source, fontsize=9, color="#555555")
    figure.alt = f"{title}, in streams as wide as their share: {_describe(fractions, pairs)} Source: {source}."
    plt.close(figure)
    return figure


def _describe(fractions: dict[str, float], pairs: dict[str, list[Decay]]) -> str:
    """The diagram in words: each stream with its share, and what those of the two pairs of bosons end as."""
    streams = [f"{NAMES[name].partition('  ')[0]} {_percent(share)}" for name, share in fractions.items()]
    ends = [
        f"{NAMES[name].partition('  ')[0]} end as "
        + ", ".join(f"{decay.title} {_percent(fractions[name] * decay.share)}" for decay in decays)
        for name, decays in pairs.items()
    ]
    return f"{'; '.join(streams)}. Of all Higgs bosons, {'; '.join(ends)}."


def _short_z_decays() -> list[Decay]:
    four, *rest = z_pair_decays()
    seen = [decay for decay in rest if decay.title.startswith("2 ")]
    others = sum(decay.share for decay in rest if decay not in seen)
    return [
        four,
        Decay("2 electrons or muons and others", sum(decay.share for decay in seen)),
        Decay("quarks, neutrinos, taus", others),
    ]


def _draw_second_step(axes: Axes, top: float, share: float, decays: Sequence[Decay], color: str) -> None:
    start, end = _SECOND, _RIGHT
    spread = 0.05
    heights = [max(share * decay.share, _THINNEST / 2) for decay in decays]
    extent = sum(heights) + spread * (len(decays) - 1)
    right = top - share / 2 + extent / 2
    left = top
    for decay, thickness in zip(decays, heights, strict=True):
        part = share * decay.share
        _draw_ribbon(axes, (start, end), _Ribbon(left, right, part, color))
        _draw_bar(axes, end, right, part, color)
        _label(axes, end + _BAR, right, part, f"{decay.title}   {_percent(part)}", size=10)
        left -= part
        right -= thickness + spread


def _stack(shares: Sequence[float], gap: float) -> list[float]:
    tops, top = [], 0.0
    for share in shares:
        tops.append(top)
        top -= max(share, _THINNEST) + gap
    return tops


def _draw_bar(axes: Axes, x: float, top: float, share: float, color: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, top - share), _BAR, share, color=color, linewidth=0.8))


def _draw_ribbon(axes: Axes, ends: tuple[float, float], ribbon: _Ribbon) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    start, end = ends
    middle = (start + end) / 2
    left, right, share = ribbon.left_top, ribbon.right_top, ribbon.share
    points = [(start, left), (middle, left), (middle, right), (end, right)]
    back = [(end, right - share), (middle, right - share), (middle, left - share), (start, left - share)]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
    # The line keeps streams visible that are thinner than a pixel.
    axes.add_patch(
        PathPatch(
            Path([*points, *back], codes), facecolor=ribbon.color, edgecolor=ribbon.color, alpha=0.45, linewidth=0.8
        )
    )


def _label(axes: Axes, x: float, top: float, share: float, text: str, size: int = 12) -> None:
    axes.text(x + 0.012, top - share / 2, text, va="center", fontsize=size)


def _percent(share: float) -> str:
    """Three digits for what is common, and two for what is rare."""
    return f"{100 * share:.1f} %" if share >= 0.01 else f"{100 * share:.2g} %"
