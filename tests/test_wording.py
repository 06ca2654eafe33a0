"""What users read: no promise, no claim, plain verbs, the disclaimer whole, and judgement called by its name."""

import ast
import dataclasses
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from companion.cli import cli
from companion.cli.assumed import BASIS, assumptions
from companion.cli.limits import limits
from companion.cli.text import DISCLAIMER
from companion.config import THEMES
from companion.safety.causes import CAUSES, Cause
from companion.safety.limits import regions
from companion.safety.table import CONFIDENCES
from tests.session_events import opened

ROOT = Path(__file__).parents[1]
FORBIDDEN = re.compile(
    r"\b(safe|safely|safer|treats?|treatments?|treating|cures?|heals?|healing|relieves?|relief|therapy|therapeutic)\b",
    re.IGNORECASE,
)
# The only places where these words may stand: what is denied, the address of a source.
ALLOWED = (
    "does not diagnose, treat, cure or prevent",
    "does not mean safe",
    "is-massage-safe",
)


def claims(text: str) -> list[str]:
    flat = " ".join(text.split())
    for allowed in ALLOWED:
        flat = flat.replace(allowed, "")
    return FORBIDDEN.findall(flat)


def _texts_of_code(path: Path) -> Iterator[str]:
    """All string constants but docstrings; f-strings piece by piece."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def _texts_of_data(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts_of_data(item)


ROOMS = ("companion", "firmware_protocol", "sessions")
CODE = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
DATA = [ROOT / "pyproject.toml", *sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.toml"))]
PAGES = [ROOT / "README.md", *sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.md"))]


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_of_the_program_claims_anything(path: Path) -> None:
    found = {text: claims(text) for text in _texts_of_code(path)}
    assert {text: words for text, words in found.items() if words} == {}


@pytest.mark.parametrize("path", DATA, ids=lambda path: path.name)
def test_no_text_of_the_data_claims_anything(path: Path) -> None:
    texts = _texts_of_data(tomllib.loads(path.read_text(encoding="utf-8")))
    assert [text for text in texts if claims(text)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_page_claims_anything(path: Path) -> None:
    assert claims(path.read_text(encoding="utf-8").replace("> ", "")) == []


def _helps(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
    """Every command's page of help, of all below it, too."""
    context = click.Context(command, info_name=path)
    yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _helps(found, f"{path} {name}")


def test_no_help_claims_anything() -> None:
    helps = dict(_helps(cli, "knead"))
    assert len(helps) > 20
    assert {path: claims(text) for path, text in helps.items() if claims(text)} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_no_setting_is_called_so(theme: str) -> None:
    assert claims(theme) == []


def test_the_check_itself_finds_a_claim() -> None:
    assert claims("this is safe") == ["safe"]
    assert claims("it Relieves\nsciatica and heals") == ["Relieves", "heals"]
    assert claims("a quiet app does not mean\nsafe") == []


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.key)
def test_a_warning_is_short_and_plain(cause: Cause) -> None:
    said = [cause.text, *(row.text for row in cause.rows), *(share.text for share in cause.shares)]
    for text in filter(None, said):
        assert text == text.lower(), "plain words, no shouting"
        assert len(text) <= 60, "short enough for a glance"
        assert not text.endswith((".", "!"))


def test_the_disclaimer_is_in_the_readme_whole() -> None:
    said = " ".join((ROOT / "README.md").read_text(encoding="utf-8").replace("\n> ", " ").split())
    for sentence in DISCLAIMER.split(". ")[2:]:
        assert sentence.rstrip(".") in said
    assert "a quiet app does not mean safe" in said


def test_every_limit_says_how_far_it_can_be_trusted() -> None:
    for key, region in regions().items():
        assert region.confidence in CONFIDENCES
        assert region.source
        shown = CliRunner().invoke(limits, ["show", "--region", key]).output
        assert re.search(rf"Confidence +{region.confidence}", shown)
        assert region.basis[0] in shown


def test_a_session_says_that_its_limits_rest_on_judgement() -> None:
    assert "judgement" in BASIS
    for context in ({"judged": True, "screened": False, "factor_k": 0.5}, {"judged": True, "screened": True}):
        (line,) = assumptions(dataclasses.replace(opened(), context=context))
        assert BASIS in line
