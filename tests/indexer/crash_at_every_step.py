"""Commits a version of an index again and again, killed each time at a later step, and prints what is served afterwards.

Usage: crash_at_every_step.py FOLDER [rollback]. One JSON object a line: `before` and `label` (the corpus that was served and
the one committed), `step`, `died`, `served` after the crash, `healed` (served after the next whole commit), `left` (names in the
folder). With `rollback` it goes back from one version to an older one instead, and tells which `versions` there are afterwards.
All steps are forked from one process, since starting Python for each would take minutes.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from indexer import store
from indexer.dense import DenseIndex
from indexer.document import Document, Passage
from indexer.embedder import HashEmbedder
from indexer.errors import StoredIndexError
from indexer.glossary import Glossary
from indexer.lexical import LexicalIndex
from indexer.tokens import tokenize

# What changes a file system, as Python reports it to audit hooks; FAISS writes on its own, between two of them.
EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree", "fcntl.flock"}

# What a killed process wrote is with the system already; waiting for the disk would only take time.
os.fsync = lambda descriptor: None


GLOSSARY = Glossary((("vr", "虚拟现实"),))


def commit(index: Path, label: str) -> None:
    writer = store.Writer(index)
    text = f"渔船出海，灯塔亮了。{label}"
    embedder = HashEmbedder(dimensions=8)
    writer.commit(
        corpus=label,
        documents=[Document("a.txt", "a.txt", text, "0" * 64)],
        passages=[Passage(f"a.txt#0-{len(text)}", "a.txt", 0, len(text))],
        glossary=GLOSSARY,
        lexical=LexicalIndex.build([tokenize(text)]),
        dense=DenseIndex.build(embedder.embed_passages([text])),
        embedder=store.EmbedderRecord("hash", "hash-1", 8, ""),
    )


def served(index: Path) -> str | None:
    try:
        return store.load(index).manifest.corpus
    except StoredIndexError as error:
        return None if "there is no index" in str(error) else f"broken: {error}"


def die_at(step: int, index: Path) -> None:
    """Kills this process, as a power cut would, before its `step`-th change under `index`."""
    left = step

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event not in EVENTS:
            return
        # fcntl.flock and directories opened by descriptor come without a path: they count, too.
        path = arguments[0] if arguments and isinstance(arguments[0], str | os.PathLike) else str(index)
        if str(path).startswith(str(index)):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def crash(index: Path, step: int, action: Callable[[], object]) -> bool:
    """Acts in a child that dies at `step`; False when it lived to the end."""
    child = os.fork()
    if child == 0:
        die_at(step, index)
        action()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def main(folder: Path) -> None:
    commit(folder / "before", "older")
    commit(folder / "before", "old")
    # The first build of all, the next one, and one of the very content that is served.
    for before, label in ((None, "new"), ("old", "new"), ("old", "old")):
        died, step = True, 0
        while died:
            index = folder / f"{before}-{label}-{step}"
            if before:
                shutil.copytree(folder / "before", index)
            died = crash(index, step, partial(commit, index, label))
            after = served(index)
            commit(index, label)
            row = {
                "before": before,
                "label": label,
                "step": step,
                "died": died,
                "served": after,
                "healed": served(index),
            }
            row["left"] = sorted(path.name for path in (*index.iterdir(), *(index / "versions").iterdir()))
            print(json.dumps(row))
            shutil.rmtree(index)
            step += 1


def roll_back(folder: Path) -> None:
    commit(folder / "before", "older")
    commit(folder / "before", "old")
    older = store.older(folder / "before")[0].name
    died, step = True, 0
    while died:
        index = Path(shutil.copytree(folder / "before", folder / str(step)))
        died = crash(index, step, partial(store.rollback, index))
        row: dict[str, Any] = {"step": step, "died": died, "served": served(index)}
        if row["served"] == "old":
            store.rollback(index, older)
        row["healed"] = served(index)
        row["left"] = sorted(path.name for path in index.iterdir())
        row["versions"] = [version.manifest.corpus for version in store.versions(index) if version.manifest]
        print(json.dumps(row))
        shutil.rmtree(index)
        step += 1


if sys.argv[2:] == ["rollback"]:
    roll_back(Path(sys.argv[1]))
else:
    main(Path(sys.argv[1]))
