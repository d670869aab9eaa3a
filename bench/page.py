"""The page with all figures and pictures, made of the figures of runs, which are kept beside it: none is typed by hand."""

import pathlib
from collections.abc import Iterator

from bench import plots
from bench.findings import Findings
from bench.report import rows
from bench.results import Played, Results, as_json
from bench.scene import Bars, Curves, Scene

INTRODUCTION = """# Benchmarks

What one machine does, from `bench/run`, which every reader can repeat: `make bench` plays all scenes, `bench/run SCENE` one of
them. This page is made by `bench/run --page docs/benchmarks.md` of the figures in [results.json](benchmarks/results.json); none was
typed by hand. Compare ratios, not times: worker, PostgreSQL, endpoints and what publishes share the cores of one machine. *Base* is
another build, measured in the same run. A quick run is shorter and says less.
[performance.md](performance.md) says what the design makes of it.
"""


def results_path(page: pathlib.Path) -> pathlib.Path:
    """docs/benchmarks.md has docs/benchmarks/results.json, and its pictures there too."""
    return page.with_suffix("") / "results.json"


def write(page: pathlib.Path, results: Results, scenes: dict[str, Scene]) -> None:
    """The page, its figures and its pictures. Pictures that are not drawn any more go."""
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    results_path(page).write_text(as_json(results))
    for name, played in results.items():
        for file, _, picture in pictures(scenes[name], played):
            (folder / file).write_text(picture)
    page.write_text(text(results, scenes, folder.name))


def text(results: Results, scenes: dict[str, Scene], folder: str) -> str:
    sections = [_section(scenes[name], results[name], folder) for name in scenes if name in results]
    return "\n".join([INTRODUCTION, *sections])


def _section(scene: Scene, played: Played, folder: str) -> str:
    lines = [
        f"## {scene.title}",
        "",
        scene.about,
        "",
        *(f"![{title}]({folder}/{file})\n" for file, title, _ in pictures(scene, played)),
    ]
    lines += ["| | measured | base | ratio |", "|---|--:|--:|--:|"] if played.base else ["| | measured |", "|---|--:|"]
    sources: list[tuple[Findings | None, Findings | None]] = [(played.measured, played.base), (played.beside, None)]
    for findings, base in sources:
        for title, unit, measured, of_base, compared in rows(findings, base) if findings else ():
            cells = [title, f"{measured} {unit}".strip(), *([of_base, compared] if played.base else [])]
            lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    lines += list(_remarks(played))
    circumstances = played.circumstances
    compared_with = f", base {circumstances['base']}" if played.base else ""
    lines.append(
        f"`bench/run {scene.name}`{' (quick)' if circumstances['kind'] == 'quick' else ''}, {circumstances['date']}: "
        f"{circumstances['executable']}{compared_with}, {circumstances['postgres']}, {circumstances['cores']} cores of "
        f"{circumstances['cpu']}, "
        f"{circumstances['memory']}, {circumstances['system']}."
    )
    return "\n".join([*lines, ""])


def _remarks(played: Played) -> Iterator[str]:
    faults = [*played.measured.faults, *(f"base: {fault}" for fault in (played.base.faults if played.base else ()))]
    if faults:
        yield "What did not hold:\n"
        yield from (f"- {fault}" for fault in faults)
        yield ""
    for found in (played.measured, played.beside):
        for note in found.notes if found else ():
            yield f"{note}\n"


def pictures(scene: Scene, played: Played) -> Iterator[tuple[str, str, str]]:
    """Of each picture that there are figures for: the name of its file, its title, and itself."""
    for place, kind in enumerate(scene.pictures, 1):
        drawn = _bars(kind, played) if isinstance(kind, Bars) else _curves(kind, played)
        if drawn:
            yield f"{scene.name}-{place}.svg", kind.title, drawn


def _bars(kind: Bars, played: Played) -> str | None:
    drawn = [
        plots.Bar(label, value, played.base.value(key) if played.base else None)
        for label, key in kind.bars
        if (value := played.value(key)) is not None
    ]
    return plots.bars(kind.title, kind.unit, drawn) if drawn else None


def _curves(kind: Curves, played: Played) -> str | None:
    chosen = [name for name in played.measured.curves if not kind.names or any(part in name for part in kind.names)]
    drawn = [
        plots.Curve(f"{name}{' (base)' if is_base else ''}", findings.curves[name], colour, is_base)
        for colour, name in enumerate(chosen)
        for is_base, findings in ((False, played.measured), (True, played.base))
        if findings and name in findings.curves
    ]
    return plots.curves(kind.title, drawn) if drawn else None
