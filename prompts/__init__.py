"""Prompt and wording templates as files: front matter with a version and the declared variables, then the text.

A template never says more than its variables allow: a missing or an undeclared one raises, before any text is made.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

_HEAD = re.compile(r"---\nversion: (\d+)\nvariables: \[([^\]]*)\]\n---\n(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\{\{(\w+)\}\}")


class PromptError(ValueError):
    """A template file is broken, or was filled with the wrong variables."""


@dataclass(frozen=True)
class Prompt:
    """A template: `{{name}}` in `text` stands for the variable `name`."""

    name: str
    version: int
    variables: frozenset[str]
    text: str

    @property
    def fingerprint(self) -> str:
        return "sha256:" + hashlib.sha256(f"{self.name}\0{self.version}\0{self.text}".encode()).hexdigest()

    def fill(self, **values: str) -> str:
        """The text with its variables filled in; values are taken as they are, never as templates.

        Raises:
            PromptError: a declared variable is missing or an unknown one was given.
        """
        missing, unknown = self.variables - values.keys(), values.keys() - self.variables
        if missing or unknown:
            names = ", ".join(sorted(missing or unknown))
            raise PromptError(f"prompt {self.name} {'lacks' if missing else 'does not know'} {names}")
        return _VARIABLE.sub(lambda match: values[match.group(1)], self.text)


def load(name: str, folder: Path = Path(__file__).parent) -> Prompt:
    """The prompt in `folder/name.md`.

    Raises:
        PromptError: no such file, no head, or variables that are used but not declared, or declared but not used.
    """
    path = folder / f"{name}.md"
    if not path.is_file():
        raise PromptError(f"there is no prompt {name!r} at {path}")
    match = _HEAD.fullmatch(path.read_text(encoding="utf-8"))
    if match is None:
        raise PromptError(f"{path} must begin with '---', 'version: N', 'variables: [a, b]', '---'")
    declared = frozenset(item.strip() for item in match.group(2).split(",") if item.strip())
    used = frozenset(_VARIABLE.findall(match.group(3)))
    if declared != used:
        raise PromptError(f"{path} declares {sorted(declared)} but uses {sorted(used)}")
    return Prompt(name, int(match.group(1)), declared, match.group(3).strip("\n"))
