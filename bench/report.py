"""The figures for people."""

from collections.abc import Iterator

from bench.findings import Findings
from bench.results import Played
from bench.scene import Scene
from bench.statistics import ratio


def number(value: float | None) -> str:
    """About three digits that count, with commas between thousands."""
    if value is None:
        return "–"
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def rows(findings: Findings, base: Findings | None) -> Iterator[tuple[str, str, str, str, str]]:
    """Title, unit, figure, figure of the base, and the ratio of the two."""
    for figure in findings.figures:
        of_base = base.value(figure.key) if base else None
        compared = ratio(figure.value, of_base)
        yield (
            figure.title,
            figure.unit,
            number(figure.value),
            number(of_base) if base else "",
            f"{compared:.2f} ×" if compared is not None and figure.unit != "×" else "",
        )


def table(scene: Scene, played: Played) -> str:
    """One scene, as text."""
    circumstances = played.circumstances
    lines = [
        f"{scene.title} ({scene.name}): {circumstances['executable']}, {circumstances['postgres']}, "
        f"{circumstances['cores']} cores of "
        f"{circumstances['cpu']}, {circumstances['system']}"
    ]
    listed = [*rows(played.measured, played.base), *(rows(played.beside, None) if played.beside else ())]
    width = max((len(row[0]) for row in listed), default=0)
    if played.base:
        lines.append(f"  {'':<{width}}  {'measured':>12} {'base':>12} {'ratio':>9}")
    for title, unit, measured, base, compared in listed:
        lines.append(
            f"  {title:<{width}}  {measured:>12} " + (f"{base:>12} {compared:>9}" if played.base else "") + f"  {unit}".rstrip()
        )
    for who, findings in (("", played.measured), ("base: ", played.base), ("", played.beside)):
        lines += [f"  did not hold: {who}{fault}" for fault in (findings.faults if findings else ())]
    lines += [f"  {note}" for findings in (played.measured, played.beside) if findings for note in findings.notes]
    return "\n".join(line.rstrip() for line in lines)
