"""The harness itself: it finds each way in which a page can break. Needs no database: only shell blocks are run."""

import os
import pathlib
import tempfile
import unittest
import unittest.mock

from checks.documents import expectation, shell
from checks.documents.page import Malformed, blocks
from checks.documents.shell import Shell
from checks.documents.story import Story

FENCE = "```"


def told(text: str, all_languages: bool = False) -> tuple[int, list[int], int]:
    """Tells a page: how many blocks held, and the lines of those that did not."""
    with tempfile.TemporaryDirectory() as directory:
        page = pathlib.Path(directory, "page.md")
        page.write_text(text.replace("~~~", FENCE))
        page_shell = Shell(directory, {"PATH": os.environ["PATH"]})
        try:
            result = Story(page, pathlib.Path(directory), page_shell, all_languages).tell()
        finally:
            page_shell.stop_all()
    return result.passed, [line for line, _ in result.failures], len(result.not_run)


class HarnessTests(unittest.TestCase):
    def test_what_holds(self) -> None:
        page = "~~~sh\nname=world\n~~~\n\n~~~sh\necho hello $name\n~~~\n~~~text\nhello w…d\n~~~\n"
        self.assertEqual(told(page), (3, [], 0))

    def test_other_output_is_found(self) -> None:
        self.assertEqual(told("~~~sh\necho a\n~~~\n~~~text\nb\n~~~\n"), (1, [4], 0))

    def test_more_output_than_stated_is_found(self) -> None:
        self.assertEqual(told("~~~sh\nprintf 'a\\nb\\n'\n~~~\n~~~text\na\n~~~\n"), (1, [4], 0))

    def test_a_failing_command_is_found(self) -> None:
        self.assertEqual(told("~~~sh\nfalse\ntrue\n~~~\n"), (0, [1], 0))

    def test_a_failure_that_does_not_come_is_found(self) -> None:
        self.assertEqual(told("<!-- run: status=65 -->\n~~~sh\ntrue\n~~~\n"), (0, [2], 0))
        self.assertEqual(told("<!-- run: status=65 -->\n~~~sh\nexit 65\n~~~\n"), (1, [], 0))

    def test_a_background_that_never_gets_there_is_found(self) -> None:
        self.assertEqual(told('<!-- run: background until="ready" -->\n~~~sh\necho done\n~~~\n'), (0, [2], 0))
        page = '<!-- run: background until="ready" -->\n~~~sh\necho ready; sleep 60\n~~~\n<!-- of: background -->\n~~~text\nready\n~~~\n'
        self.assertEqual(told(page), (2, [], 0))

    def test_what_a_block_started_ends_with_it(self) -> None:
        for rest, held in (("true", (1, [])), ("sleep 300", (0, [1]))):
            with tempfile.NamedTemporaryFile("r") as noted, unittest.mock.patch.object(shell, "DEADLINE_S", 1):
                page = f"~~~sh\nsleep 300 > /dev/null & echo $! > {noted.name}; {rest}\n~~~\n"
                self.assertEqual(told(page), (*held, 0))
                with self.assertRaises(ProcessLookupError):
                    os.kill(int(noted.read()), 0)

    def test_hidden_blocks_run_too(self) -> None:
        self.assertEqual(told("<!-- hidden\n~~~sh\nexit 3\n~~~\n-->\n"), (0, [2], 0))

    def test_what_nothing_checks_is_found(self) -> None:
        self.assertEqual(told("~~~yaml\na: 1\n~~~\n"), (0, [1], 0))
        self.assertEqual(told("~~~json\n{,}\n~~~\n"), (0, [1], 0))

    def test_a_copy_that_differs_is_found(self) -> None:
        page = "~~~sh\necho a > other.txt\n~~~\n<!-- same as: other.txt -->\n~~~swift\n{}\n~~~\n"
        self.assertEqual(told(page.format("a")), (2, [], 0))
        self.assertEqual(told(page.format("b")), (1, [5], 0))

    def test_output_of_nothing_is_found(self) -> None:
        self.assertEqual(told("~~~text\na\n~~~\n"), (0, [1], 0))
        self.assertEqual(told("<!-- not run: because -->\n~~~sh\necho a\n~~~\n~~~text\na\n~~~\n"), (0, [5], 1))
        self.assertEqual(told('<!-- run: background until="a" -->\n~~~sh\necho a\n~~~\n~~~text\na\n~~~\n'), (1, [5], 0))

    def test_a_block_in_its_own_shell_sees_nothing_of_the_others(self) -> None:
        page = "~~~sh\nname=world\n~~~\n\n{}\n\n~~~sh\nother=${{name-none}}; echo $other\n~~~\n~~~text\n{}\n~~~\n~~~sh\necho ${{other-none}}\n~~~\n~~~text\n{}\n~~~\n"
        self.assertEqual(told(page.format("", "world", "world")), (5, [], 0))
        self.assertEqual(told(page.format("<!-- setup: own-shells -->", "none", "none")), (5, [], 0))

    def test_not_run_is_counted(self) -> None:
        self.assertEqual(told("<!-- not run: because -->\n~~~sh\nfalse\n~~~\n"), (0, [], 1))

    def test_optional_languages_are_left_out_unless_asked_for(self) -> None:
        self.assertEqual(told("~~~javascript\nnonsense(\n~~~\n~~~text\nx\n~~~\n"), (0, [], 0))

    def test_pages_that_cannot_be_read(self) -> None:
        for text in ("~~~sh\necho\n", "<!-- run: status=1 -->\ntext\n", "<!-- run: status=1 -->\n"):
            with self.assertRaises(Malformed):
                blocks(text.replace("~~~", FENCE))

    def test_fences_that_would_go_untested(self) -> None:
        for fence in ("``` sh", "````sh", "```Sh", "```sh title=x", "> ```sh", "- ```sh", "1. ```sh", "~~~sh", "~~~"):
            with self.subTest(fence), self.assertRaises(Malformed):
                blocks(f"{fence}\nfalse\n")

    def test_lines_that_stand_for_others(self) -> None:
        self.assertTrue(expectation.matches("a\n…\nz", "a\nb\nc\nz\n"))
        self.assertTrue(expectation.matches("a\n…\nz", "a\nz\n"))
        self.assertFalse(expectation.matches("a\n…\nz", "a\nb\n"))
        self.assertTrue(expectation.occurs("b", "a\nb\nc\n"))
        self.assertFalse(expectation.occurs("b", "abc\n"))
