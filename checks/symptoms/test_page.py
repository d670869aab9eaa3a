"""That the table holds what it promises: fourteen troubles, a sign within a minute, three commands at most, each of which can be made."""

import unittest

from checks.symptoms import PAGE
from checks.symptoms.page import Look, rows
from checks.symptoms.troubles import SLOW, TROUBLES


class PageTests(unittest.TestCase):
    def test_the_table_keeps_its_bounds(self) -> None:
        found = rows(PAGE.read_text())
        self.assertEqual(len(found), 14)
        self.assertEqual({row.trouble for row in found}, set(TROUBLES))
        self.assertLess(SLOW, set(TROUBLES))
        for row in found:
            self.assertLessEqual(row.within_s, 60, row.trouble)
            self.assertIn(len(row.looks), (1, 2, 3), row.trouble)

    def test_a_text_is_found_across_blanks_and_gaps(self) -> None:
        look = Look("x", "answered 429 … Retry-After: 30")
        self.assertTrue(look.is_met("a: answered   429\n  12 ms\n Retry-After: 30, x"))
        self.assertFalse(look.is_met("Retry-After: 30, answered 429"))
        self.assertFalse(Look("x", "a.b").is_met("axb"))
