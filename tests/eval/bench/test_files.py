import json
import lzma
from pathlib import Path

import pytest

from eval.bench.files import read_rows
from indexer.errors import InputError

ROWS = [{"id": "甲", "text": "第一"}, {"id": 2, "text": "第二\n行"}]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS),
        json.dumps(ROWS),
        "".join(json.dumps(row, indent=4) for row in ROWS),
        "\ufeff" + "\n\n".join(json.dumps(row) for row in ROWS) + "\n\n",
    ],
    ids=["lines", "array", "indented objects without anything between", "byte order mark and blank lines"],
)
def test_a_way_to_write_the_same_records_is_not_read(tmp_path: Path, text: str) -> None:
    plain, packed = tmp_path / "a.json", tmp_path / "a.jsonl.xz"
    plain.write_text(text, encoding="utf-8")
    packed.write_bytes(lzma.compress(text.encode()))
    for path in (plain, packed):
        rows = read_rows(path)
        assert [dict(row.values) for row in rows] == ROWS
        assert [row.name("id") for row in rows] == ["甲", "2"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"id": 1}\n{"id": }\n', r"a\.jsonl:2 is not JSON"),
        ('{"id": 1}\n\n[3]\n', r"a\.jsonl:3 item 0 must be an object, found 3"),
        ('{\n "id": 1\n}\n7', r"a\.jsonl:4 must be an object, found 7"),
        (" \n", "holds no record"),
    ],
)
def test_a_bad_line_is_passed_over_or_named_wrongly(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        read_rows(path)


@pytest.mark.parametrize("data", [b"{}", lzma.compress(b"\xff\xfe")])
def test_a_file_of_another_kind_breaks_with_a_traceback(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.jsonl.xz"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.jsonl\.xz cannot be read"):
        read_rows(path)
    with pytest.raises(InputError, match=r"none\.jsonl cannot be read"):
        read_rows(tmp_path / "none.jsonl")


def test_a_wrong_field_is_not_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"n": 1}\n{"text": " ", "list": {}, "objects": ["x"], "truth": true}\n', encoding="utf-8")
    row = read_rows(path)[1]
    for read, field in [
        (lambda: row.text("text"), "text"),
        (lambda: row.text("question", "query_text"), "question"),
        (lambda: row.string("list"), "list"),
        (lambda: row.name("truth"), "truth"),
        (lambda: row.items("list"), "list"),
        (lambda: row.rows("objects"), "objects"),
        (lambda: row.row("text"), "text"),
    ]:
        with pytest.raises(InputError, match=rf"a\.jsonl:2 field '{field}' must be"):
            read()
