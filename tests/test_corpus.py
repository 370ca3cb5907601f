"""The shipped documents: the manifest agrees with them, their front matter is complete, their sentences are the project's own."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from indexer.corpus import read_all, scan
from indexer.files import Source

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "corpus"
ORIGINALITY = ROOT.parent / "shared" / "tools" / "check_originality.py"
KEYS = ("title", "source_title", "issuer", "authors", "region", "published", "kind", "period", "note")
SOURCES = scan(CORPUS).sources


def entries() -> dict[str, dict[str, str]]:
    rows = tomllib.loads((CORPUS / "manifest.toml").read_text(encoding="utf-8"))["document"]
    assert len({row["path"] for row in rows}) == len(rows), "a document stands in the manifest twice"
    return {row["path"]: row for row in rows}


def front_matter(source: Source) -> dict[str, object]:
    match = re.match(r"---\n(.*?)\n---\n", source.data.decode(), re.DOTALL)
    assert match, f"{source.path} has no front matter"
    values = yaml.safe_load(match.group(1))
    assert isinstance(values, dict)
    return values


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.path)
def test_a_document_changed_without_its_manifest_entry(source):
    """Fails with the entry to paste."""
    entry = entries().get(source.path, {})
    current = {"path": source.path, "sha256": source.sha256, "source": entry.get("source", "NAME OF THE SOURCE TEXT")}
    paste = "\n".join(["[[document]]", *(f'{key} = "{value}"' for key, value in current.items())])
    assert entry == current, f"\n\nPut this into corpus/manifest.toml in place of the old entry:\n\n{paste}\n"


def test_the_manifest_lists_a_document_that_is_gone():
    assert sorted(entries()) == sorted(source.path for source in SOURCES)


def test_two_documents_claim_the_same_source():
    named = [entry["source"] for entry in entries().values()]
    assert sorted(set(named)) == sorted(named)
    assert all(re.fullmatch(r"[\w.-]+", name) for name in named), "a source is a file name, not a path"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.path)
def test_front_matter_lacks_a_key_or_has_another(source):
    values = front_matter(source)
    assert tuple(values) == KEYS
    for key in ("title", "source_title", "region", "kind", "period", "note"):
        assert values[key], f"{key} is empty"
    assert isinstance(values["authors"], list)
    assert all(isinstance(values[key], str) for key in KEYS if key != "authors"), "a date or number needs quotes"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.path)
def test_published_is_not_a_date_that_sorts(source):
    assert re.fullmatch(r"(?:\d{4}(?:-\d{2}(?:-\d{2})?)?)?", str(front_matter(source)["published"]))


def test_a_shipped_document_cannot_be_read():
    documents, skipped = read_all(scan(CORPUS))
    assert not skipped
    assert not scan(CORPUS).skipped
    assert [document.encoding for document in documents] == ["utf-8"] * len(SOURCES)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.path)
def test_a_digest_has_stray_characters_that_search_cannot_match(source):
    """Replacement and private-use characters, zero-width and control characters: what a bad paste leaves behind."""
    stray = re.search("[\ufffd\ue000-\uf8ff\u200b-\u200f\ufeff\x00-\x08\x0b-\x1f]|\t| +\n", source.data.decode())
    assert stray is None, f"{stray.group()!r} in line {source.data.decode()[: stray.start()].count(chr(10)) + 1}"


@pytest.mark.skipif(not ORIGINALITY.exists(), reason="the sources and the tool that compares with them are not here")
def test_a_digest_repeats_its_source():
    found = subprocess.run([sys.executable, ORIGINALITY, CORPUS], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
