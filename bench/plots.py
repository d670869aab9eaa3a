"""Bars and distributions as SVG. No library: two kinds of picture, readable on a light and on a dark page."""

import dataclasses
import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from bench.report import number
from bench.statistics import SHARES

WIDTH, MARGIN, TITLE_HEIGHT = 760, 20, 44
LETTER, LINE = 7.0, 20
# Light, then dark: paper, ink, faint ink, lines, bars of the base, and the colours of what is compared.
PAPER, INK, FAINT, RULE = ("#ffffff", "#0d1117"), ("#1f2328", "#e6edf3"), ("#59636e", "#9198a1"), ("#d1d9e0", "#3d444d")
OTHER = ("#afb8c1", "#6e7681")
COLOURS = (("#0969da", "#4493f8"), ("#bc4c00", "#f0883e"), ("#1a7f37", "#3fb950"), ("#8250df", "#ab7df8"), ("#bf3989", "#db61a2"))


@dataclasses.dataclass(frozen=True)
class Bar:
    """`base` is the figure of what it is compared with, drawn below it; None when there is none."""

    label: str
    value: float
    base: float | None = None


@dataclasses.dataclass(frozen=True)
class Curve:
    """Quantiles at statistics.SHARES. A base is dashed and has the colour of what it is the base of."""

    label: str
    quantiles: Sequence[float]
    colour: int
    is_base: bool = False


def bars(title: str, unit: str, drawn: Sequence[Bar]) -> str:
    """Lying bars from 0 on, with their figures at their ends."""
    has_base = any(bar.base is not None for bar in drawn)
    left = MARGIN + max(len(bar.label) for bar in drawn) * LETTER + 12
    room = WIDTH - left - MARGIN - 110
    most = max(max(bar.value, bar.base or 0) for bar in drawn) or 1
    parts, y = [], float(TITLE_HEIGHT)
    for bar in drawn:
        step = 32 if bar.base is None else 50
        parts.append(_text(left - 10, y + step / 2, bar.label, "ink", "end"))
        for row, (value, style) in enumerate(((bar.value, "c0"), (bar.base, "base"))):
            if value is None:
                continue
            top, length = y + row * 19, max(1.5, value / most * room)
            parts.append(f'<rect class="{style}" x="{left:.1f}" y="{top + 3:.1f}" width="{length:.1f}" height="17" rx="2"/>')
            parts.append(_text(left + length + 7, top + 17, f"{number(value)} {unit}".strip(), "ink" if row == 0 else "faint"))
        y += step
    if has_base:
        y += 8
        parts.append(
            f'<rect class="c0" x="{left:.1f}" y="{y:.1f}" width="12" height="12" rx="2"/>'
            + _text(left + 18, y + 11, "measured", "faint")
        )
        parts.append(
            f'<rect class="base" x="{left + 100:.1f}" y="{y:.1f}" width="12" height="12" rx="2"/>'
            + _text(left + 118, y + 11, "base", "faint")
        )
        y += LINE
    return _picture(title, y + 12, parts)


def curves(title: str, drawn: Sequence[Curve]) -> str:
    """Distributions of waits in milliseconds: how large a share (upwards) took at most so long (to the right, by powers of ten)."""
    left, top, height = MARGIN + 44, TITLE_HEIGHT + 6, 270
    right, bottom = WIDTH - MARGIN - 10, TITLE_HEIGHT + 6 + 270
    values = [max(value, 0.01) for curve in drawn for value in curve.quantiles]
    low, high = log_range(min(values), max(values))

    def across(value: float) -> float:
        return left + (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low)) * (right - left)

    parts = []
    for share in (0, 0.25, 0.5, 0.75, 0.9, 0.99):
        y = bottom - share * height
        parts.append(f'<line class="rule" x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        if share != 0.99:
            parts.append(_text(left - 8, y + 5, f"{share * 100:.0f} %", "faint", "end"))
    parts.append(_text(left - 8, bottom - height + 6, "99 %", "faint", "end"))
    for tick in ticks(low, high):
        x = across(tick)
        parts.append(f'<line class="rule" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}"/>')
        parts.append(_text(x, bottom + 18, f"{tick:,g} ms" if tick < 1000 else f"{tick / 1000:,g} s", "faint", "middle"))
    for curve in drawn:
        points = " ".join(
            f"{across(value):.1f},{bottom - share * height:.1f}" for share, value in zip(SHARES, curve.quantiles, strict=True)
        )
        parts.append(
            f'<polyline class="curve l{curve.colour % len(COLOURS)}{" dashed" if curve.is_base else ""}" points="{points}"/>'
        )
    y = bottom + 44.0
    for curve in drawn:
        parts.append(
            f'<line class="curve l{curve.colour % len(COLOURS)}{" dashed" if curve.is_base else ""}" '
            f'x1="{left}" y1="{y - 5:.1f}" x2="{left + 28}" y2="{y - 5:.1f}"/>' + _text(left + 38, y, curve.label, "ink")
        )
        y += LINE
    return _picture(title, y, parts)


def log_range(smallest: float, largest: float) -> tuple[float, float]:
    """From 1, 2 or 5 times a power of ten to such a number, with at least a factor of five between them."""
    low, high = _step(smallest, down=True), _step(largest, down=False)
    while high / low < 5:
        high = _step(high * 1.01, down=False)
    return low, high


def ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times each power of ten; the powers alone where that would be too many to read."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [round(factor * 10.0**exponent, 10) for exponent in exponents for factor in (1, 2, 5)]
    found = [tick for tick in found if low * 0.999 <= tick <= high * 1.001]
    return (
        found
        if len(found) <= 10
        else [tick for tick in found if math.isclose(math.log10(tick), round(math.log10(tick)), abs_tol=1e-9)]
    )


def _step(value: float, down: bool) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    steps = [round(factor * power, 10) for factor in (1, 2, 5, 10)]
    return (
        max(step for step in steps if step <= value * 1.0001) if down else min(step for step in steps if step >= value * 0.9999)
    )


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _style(shade: int) -> str:
    fills = {"paper": PAPER, "ink": INK, "faint": FAINT, "base": OTHER} | {f"c{n}": colour for n, colour in enumerate(COLOURS)}
    strokes = {"rule": RULE} | {f"l{n}": colour for n, colour in enumerate(COLOURS)}
    return "".join(f".{name}{{fill:{of[shade]}}}" for name, of in fills.items()) + "".join(
        f".{name}{{stroke:{of[shade]}}}" for name, of in strokes.items()
    )


def _picture(title: str, height: float, parts: Sequence[str]) -> str:
    style = (
        "text{font:13px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif}.title{font-size:15px;font-weight:600}"
        ".curve{fill:none;stroke-width:2;stroke-linejoin:round}.dashed{stroke-dasharray:5 4;stroke-width:1.5}.rule{stroke-width:1}"
        f"{_style(0)}@media(prefers-color-scheme:dark){{{_style(1)}}}"
    )
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n"
        f'<rect class="paper" width="{WIDTH}" height="{height:.0f}" rx="6"/>\n'
        f'<text class="ink title" x="{MARGIN}" y="28">{escape(title)}</text>\n{body}\n</svg>\n'
    )
