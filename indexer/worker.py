"""Reads files in a process of its own, which may hang, crash or be killed without harm: `python -m indexer.worker`.

A task is a line of JSON on standard input; the answers are lines on standard output: `{"at": path}` before a file is read,
`{"reading": …}` with what became of it, `{"done": …, "stays": …}` behind the last: whether that is all, or the rest of an archive
is to be asked for again, and whether this process goes on. Nothing is pickled: what reads files from anywhere is not to be
believed.
"""

import json
import math
import os
import resource
import signal
import sys
from pathlib import Path
from typing import IO, Any

from indexer.errors import InputError
from indexer.files import Limits, Reading, Source
from indexer.reading import read_file

_GRACE = 5  # seconds after which a worker that nobody stopped stops itself


def main() -> None:
    # What libraries print goes to standard error.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin.buffer:
        if not _serve(json.loads(line), answers):
            return


def _serve(task: dict[str, Any], answers: IO[bytes]) -> bool:
    """Answers a task; False when the process is to be used no more."""
    limits = Limits(**task["limits"])
    _limit_memory(limits.memory_megabytes)
    sidecar = Path(task["sidecar"]) if task["sidecar"] else None
    source = Source(task["path"], Path(task["file"]), task["sha256"], sidecar=sidecar)
    done = frozenset(task["done"])
    current = source.path

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
        answers.flush()

    def wanted(path: str) -> bool:
        nonlocal current
        if path in done:
            return False
        current = path
        signal.alarm(math.ceil(limits.seconds) + _GRACE)
        say({"at": path})
        return True

    problem, is_well = "", True
    try:
        for reading in read_file(source.path, source.data, limits, source.sidecar_data, wanted=wanted):
            if reading.path not in done:
                say({"reading": reading.to_json()})
            current = source.path
    except InputError as error:
        problem = str(error)
    except MemoryError:
        is_well = False
        problem = f"it takes more than {limits.memory_megabytes} MB of memory: split it, or allow more"
    except Exception as error:  # the fault of a reader is the problem of one file, not the end of all
        is_well = False
        problem = (
            f"its reader failed ({type(error).__name__}: {error}): open it and save it again, and report the fault"
        )
    signal.alarm(0)
    if problem:
        say({"reading": Reading(current, "", problem=problem[:500], is_error=True).to_json()})
    say({"done": not problem or current == source.path, "stays": is_well})
    return is_well


def _limit_memory(megabytes: int) -> None:
    """Lets this process have so much more than it has now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:  # no such file on this system
        pages = 0
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + megabytes * 1_000_000
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if __name__ == "__main__":
    main()
