"""That the benchmark computes, draws and writes what it measured, and that the page in docs/ is made of the figures beside it."""

import math
import unittest
import xml.etree.ElementTree as ElementTree

from bench import page, plots, results
from bench.findings import Findings, medians
from bench.report import number, table
from bench.results import Played
from bench.scene import Bars, Curves, Scene
from bench.scenes import SCENES
from bench.statistics import SHARES, distribution, median, quantile, ratio
from checks import ROOT

PAGE = ROOT / "docs/benchmarks.md"
SVG = "{http://www.w3.org/2000/svg}"
CIRCUMSTANCES = {
    "executable": "postrider 1",
    "base": "postrider 0",
    "postgres": "PostgreSQL 15",
    "cores": "2",
    "cpu": "x86",
    "memory": "8 GiB",
    "system": "Linux",
    "kind": "quick",
    "date": "2026-01-02",
}


def played(per_second: float, wait_s: float) -> Findings:
    findings = Findings()
    findings.add("per_second", "deliveries a second", per_second)
    findings.add_waits("rate", "at a rate", [wait_s * n for n in range(1, 101)])
    return findings


SCENE = Scene(
    "made",
    "Made up",
    "For a test.",
    1,
    lambda _: Findings(),
    pictures=(
        Bars("Speed", "", (("us", "per_second"), ("nothing", "unknown"))),
        Curves("Waits"),
        Curves("Other waits", ("another",)),
    ),
)


class StatisticsTests(unittest.TestCase):
    def test_quantiles_are_values_that_occurred(self) -> None:
        hundred = [float(n) for n in range(100, 0, -1)]
        self.assertEqual([quantile(hundred, share) for share in (0, 0.5, 0.99, 0.995, 1)], [1, 50, 99, 100, 100])
        self.assertEqual([quantile([3.0, 1.0, 2.0], share) for share in (0.33, 0.34, 0.5, 0.99)], [1, 2, 2, 3])
        self.assertEqual(quantile([7.0], 0.99), 7)
        # 0.07 * 100 is a little more than 7 in binary.
        self.assertEqual(quantile(hundred, 0.07), 7)

    def test_there_is_no_quantile_of_nothing(self) -> None:
        for values, share in (([], 0.5), ([1.0], 1.01), ([1.0], -0.01)):
            with self.assertRaises(ValueError):
                quantile(values, share)

    def test_a_distribution_never_falls(self) -> None:
        found = distribution([5.0, 1.0, 4.0])
        self.assertEqual(len(found), len(SHARES))
        self.assertEqual(found, sorted(found))
        self.assertEqual((found[0], found[-1]), (1, 5))

    def test_a_ratio_needs_both(self) -> None:
        self.assertEqual(ratio(1, 4), 0.25)
        self.assertEqual([ratio(None, 4), ratio(1, None), ratio(1, 0)], [None, None, None])

    def test_a_median_passes_over_what_was_not_measured(self) -> None:
        self.assertEqual(median([3, None, 1, 2]), 2)
        self.assertIsNone(median([None]))

    def test_medians_of_rounds(self) -> None:
        rounds = [played(rate, 0.001) for rate in (10, 30, 20)]
        rounds[0].faults.append("it rained")
        rounds[2].faults.append("it rained")
        found = medians(rounds)
        self.assertEqual(found.value("per_second"), 20)
        self.assertEqual(found.faults, ["it rained"])


class PlotTests(unittest.TestCase):
    def test_a_bar_is_as_long_as_its_figure(self) -> None:
        drawn = ElementTree.fromstring(plots.bars("Speed", "µs", [plots.Bar("a<b", 50, 100), plots.Bar("c", 25)]))
        widths = [float(rect.get("width", "")) for rect in drawn.iter(f"{SVG}rect") if rect.get("height") == "17"]
        self.assertEqual(len(widths), 3)
        self.assertAlmostEqual(widths[0] / widths[1], 0.5, places=2)
        self.assertAlmostEqual(widths[2] / widths[1], 0.25, places=2)
        said = [text.text for text in drawn.iter(f"{SVG}text")]
        self.assertEqual([text for text in ("a<b", "50 µs", "100 µs", "base") if text not in said], [])

    def test_ten_times_as_long_is_as_far_anywhere(self) -> None:
        places = []
        for value in (1, 10, 100):
            drawn = ElementTree.fromstring(plots.curves("Waits", [plots.Curve("all", [1, *[value] * (len(SHARES) - 2), 100], 0)]))
            line = next(drawn.iter(f"{SVG}polyline")).get("points", "").split()
            places.append(float(line[50].split(",")[0]))
        self.assertAlmostEqual(places[1] - places[0], places[2] - places[1], places=0)
        self.assertGreater(places[1] - places[0], 100)

    def test_more_is_higher(self) -> None:
        drawn = ElementTree.fromstring(plots.curves("Waits", [plots.Curve("all", [1 + share for share in SHARES], 0)]))
        heights = [float(point.split(",")[1]) for point in next(drawn.iter(f"{SVG}polyline")).get("points", "").split()]
        self.assertEqual(heights, sorted(heights, reverse=True))
        self.assertGreater(heights[0] - heights[-1], 200)

    def test_the_axis_holds_what_is_drawn(self) -> None:
        for smallest, largest in ((0.3, 0.3), (2, 40), (1, 10), (0.99, 36_462), (0.01, 0.011)):
            low, high = plots.log_range(smallest, largest)
            self.assertTrue(low <= smallest <= largest <= high and high >= 5 * low, (smallest, largest, low, high))
            found = plots.ticks(low, high)
            self.assertTrue(2 <= len(found) <= 10, found)
            self.assertTrue(all(low * 0.99 <= tick <= high * 1.01 for tick in found))
        self.assertEqual(plots.ticks(1, 10), [1, 2, 5, 10])

    def test_both_shades_have_every_colour(self) -> None:
        drawn = plots.bars("Speed", "", [plots.Bar("a", 1)])
        self.assertIn("prefers-color-scheme:dark", drawn)
        for pair in (plots.PAPER, plots.INK, plots.FAINT, plots.RULE, *plots.COLOURS):
            self.assertTrue(all(shade in drawn for shade in pair), pair)


class PageTests(unittest.TestCase):
    one = Played(played(1000, 0.001), played(2000, 0.002), None, CIRCUMSTANCES)

    def test_figures_come_back_from_their_file(self) -> None:
        path = ROOT / "docs/benchmarks/results.json"
        self.assertEqual(Played.of_json(self.one.as_json()), self.one)
        self.assertEqual(results.read(path.with_name("there-is-no-such-file.json")), {})

    def test_a_table_shows_the_ratio(self) -> None:
        lines = table(SCENE, self.one).splitlines()
        self.assertEqual(
            next(line.split() for line in lines if "deliveries" in line), ["deliveries", "a", "second", "1,000", "2,000", "0.50", "×"]
        )

    def test_a_picture_is_drawn_only_of_what_was_measured(self) -> None:
        drawn = {file: picture for file, _, picture in page.pictures(SCENE, self.one)}
        self.assertEqual(list(drawn), ["made-1.svg", "made-2.svg"])
        self.assertNotIn("nothing", drawn["made-1.svg"])

    def test_a_page_tells_what_did_not_hold(self) -> None:
        self.one.measured.faults.append("it rained")
        text = page.text({"made": self.one}, {"made": SCENE}, "benchmarks")
        self.one.measured.faults.clear()
        for part in (
            "| deliveries a second | 1,000 | 2,000 | 0.50 × |",
            "- it rained",
            "![Speed](benchmarks/made-1.svg)",
            "(quick)",
        ):
            self.assertIn(part, text)

    def test_numbers_for_people(self) -> None:
        shown = {None: "–", 0: "0", 0.123: "0.12", 12.34: "12.3", 123.4: "123", 14369.2: "14,369", 5.0: "5"}
        self.assertEqual([number(value) for value in shown], list(shown.values()))

    def test_the_page_is_made_of_its_figures(self) -> None:
        """When this fails: bench/run --page docs/benchmarks.md --redraw"""
        kept = results.read(page.results_path(PAGE))
        self.assertGreater(len(kept), 0)
        self.assertEqual(PAGE.read_text(), page.text(kept, SCENES, PAGE.stem))
        drawn = {file: picture for name, one in kept.items() for file, _, picture in page.pictures(SCENES[name], one)}
        folder = PAGE.with_suffix("")
        self.assertEqual({path.name: path.read_text() for path in folder.glob("*.svg")}, drawn)

    def test_every_picture_has_figures(self) -> None:
        """A key that no scene gives would leave its bar out without a word."""
        for name, one in results.read(page.results_path(PAGE)).items():
            for kind in SCENES[name].pictures:
                if isinstance(kind, Bars):
                    found = [key for _, key in kind.bars if one.value(key) is not None]
                    self.assertTrue(found, (name, kind.title))
                    self.assertTrue(all(math.isfinite(one.value(key) or 0) for key in found))
