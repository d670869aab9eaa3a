"""Each edit still finds its place in the sources: what is not found would be a fault that no one plays."""

import re
import unittest

from soak.checker import judge
from soak.evidence import Evidence
from soak.faulty.build import read, texts_with_faults
from soak.faulty.edit import Edit, EditLost, functions
from soak.faulty.mutants import MUTANTS
from soak.plan import Scene


class EditTests(unittest.TestCase):
    def test_all_edits_of_the_sources_find_their_places_together(self) -> None:
        self.assertGreater(len(texts_with_faults()), 5)

    def test_each_edited_file_imports_the_switch_once(self) -> None:
        for path, text in texts_with_faults().items():
            if not path.startswith("Sources/Outbox/"):
                with self.subTest(path):
                    self.assertEqual(len(re.findall(r"^(?:\w+ )?import Outbox$", text, re.MULTILINE)), 1)

    def test_each_mutant_of_sql_replaces_a_function(self) -> None:
        for mutant in MUTANTS:
            if mutant.sql:
                with self.subTest(mutant.name):
                    self.assertTrue(functions(mutant.sql, read))

    def test_each_mutant_names_an_invariant_and_changes_something(self) -> None:
        known = {verdict.name for verdict in judge(Evidence(Scene(has_forbidden=True))).verdicts}
        for mutant in MUTANTS:
            with self.subTest(mutant.name):
                self.assertIn(mutant.breaks, known)
                self.assertTrue(mutant.edits or mutant.sql)

    def test_an_edit_without_its_place_is_named(self) -> None:
        with self.assertRaisesRegex(EditLost, "a.swift.*0 times.*old"):
            Edit("a.swift", "old", "new").apply("other")
        with self.assertRaisesRegex(EditLost, "2 times"):
            Edit("a.swift", "old", "new").apply("old old")

    def test_a_function_is_replaced_whole(self) -> None:
        text = "CREATE FUNCTION c() RETURN 1;\n\nCREATE FUNCTION a() AS $f$\nold\n$f$;\n\nCREATE FUNCTION b() AS $f$\nother\n$f$;\n"
        self.assertEqual(functions([Edit("x.sql", "old", "new")], lambda _: text), ["CREATE OR REPLACE FUNCTION a() AS $f$\nnew\n$f$;"])
