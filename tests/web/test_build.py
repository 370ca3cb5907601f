"""What is checked in as built is what the sources give, as far as that can be told without Node."""

import gzip
import hashlib
import json
import re
from pathlib import Path

WEB = Path(__file__).parents[2] / "service" / "web"
DIST = WEB / "dist"
# As in build.mjs.
INPUTS = ("build.mjs", "package.json", "package-lock.json", "tsconfig.json", "src")
FIRST_LOAD = ("index.html", "app.js", "app.css", "icon.svg")
STALE = "service/web/dist is not what the sources give: run make web"


def _built() -> dict[str, object]:
    built: dict[str, object] = json.loads((DIST / "build.json").read_text(encoding="utf-8"))
    return built


def test_built_page_is_older_than_its_sources() -> None:
    files = [
        path
        for name in INPUTS
        for path in ([WEB / name] if (WEB / name).is_file() else sorted((WEB / name).rglob("*")))
        if path.is_file()
    ]
    names = sorted(path.relative_to(WEB).as_posix() for path in files)
    lines = [f"{hashlib.sha256((WEB / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    assert hashlib.sha256("".join(lines).encode()).hexdigest() == _built()["sources"], STALE


def test_built_file_was_changed_by_hand_or_is_missing() -> None:
    there = {path.name for path in DIST.iterdir()} - {"build.json"}
    told = _built()["files"]
    assert isinstance(told, dict)
    assert there == told.keys(), STALE
    for name, digest in told.items():
        assert hashlib.sha256((DIST / name).read_bytes()).hexdigest() == digest, name


def test_lock_of_the_page_names_a_registry_or_leaves_a_version_open() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: row for name, row in lock["packages"].items() if name}
    assert all("resolved" not in row for row in packages.values())
    assert all(row["integrity"].startswith("sha512-") for row in packages.values())
    manifest = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    versions = [*manifest["dependencies"].values(), *manifest["devDependencies"].values()]
    assert all(re.fullmatch(r"[\d.]+", version) for version in versions)


def test_first_load_is_heavier_than_promised() -> None:
    assert sum(len(gzip.compress((DIST / name).read_bytes())) for name in FIRST_LOAD) < 150_000


def test_licence_of_what_is_built_in_is_left_out() -> None:
    told = (DIST / "licenses.txt").read_text(encoding="utf-8")
    manifest = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    for name, version in manifest["dependencies"].items():
        assert f"{name} {version}" in told
