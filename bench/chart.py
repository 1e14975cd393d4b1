"""Charts for the report, drawn as SVG: bars in groups, side by side in panels, readable on dark and on light."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, MARGIN, GAP = 860, 12, 24
BAR, BETWEEN, TITLE, HEAD = 16, 4, 22, 52
VALUE_WIDTH = 64
"""Beside the longest bar, for what it says."""

STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #24292f }
    .title { font-weight: 600 }
    .bar0 { fill: #0a7d55 } .bar1 { fill: #5b6fc7 } .bar2 { fill: #a4abb3 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .bar0 { fill: #35c48d } .bar1 { fill: #8fa1f5 } .bar2 { fill: #6e7681 }
    }
"""


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure: for each group the values of the series, and how a value is written."""

    title: str
    groups: Sequence[Sequence[float]]
    written: str


def bars(panels: Sequence[Panel], groups: Sequence[str], series: Sequence[str]) -> str:
    """The chart as an SVG document. In each group, the longest bar is as long as it can be."""
    width = (WIDTH - 2 * MARGIN - (len(panels) - 1) * GAP) / len(panels)
    group = TITLE + len(series) * (BAR + BETWEEN) + GAP / 2
    height = HEAD + len(groups) * group + MARGIN
    drawn: list[str] = []
    for place, name in enumerate(series):
        x = MARGIN + place * 220
        drawn.append(f'<rect class="bar{place}" x="{x}" y="10" width="12" height="12"/>')
        drawn.append(_text(x + 18, 21, name))
    for number, panel in enumerate(panels):
        left = MARGIN + number * (width + GAP)
        drawn.append(_text(left, HEAD - 4, panel.title, "title"))
        for row, values in enumerate(panel.groups):
            top = HEAD + row * group
            drawn.append(_text(left, top + TITLE - 6, groups[row]))
            for place, value in enumerate(values):
                long = value / max(values) * (width - VALUE_WIDTH)
                y = top + TITLE + place * (BAR + BETWEEN)
                drawn.append(
                    f'<rect class="bar{place}" x="{left:g}" y="{y:g}" width="{long:.1f}" height="{BAR}" rx="2"/>'
                )
                drawn.append(_text(left + long + 6, y + BAR - 3, panel.written.format(value)))
    inside = "\n  ".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img">\n'
        f"  <style>{STYLE}  </style>\n  {inside}\n</svg>\n"
    )


def _text(x: float, y: float, words: str, kind: str | None = None) -> str:
    marked = f' class="{kind}"' if kind else ""
    return f'<text{marked} x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'
