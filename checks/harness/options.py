"""What the person who runs the checks asked for."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Options:
    pages: list[str]
    all_languages: bool
    languages: list[str]
    image: str | None
    quick: bool
