"""Writes entries into the audit log and says on stdout which ones it was told are kept.

Usage: writer.py ADDRESS NAME COUNT [BYTES]

The first line is the signing secret. Then the process waits for a line on stdin, and writes: each line after that is the
request id of an entry, printed once `record` has returned. With BYTES no file may grow beyond that while it opens the database
and writes, as on a full disk; then the complaint is printed behind "FULL ", the limit is lifted, and one more entry is written.
"""

import resource
import sys
from datetime import UTC, datetime

from indexer.errors import RecordsError
from service.answer import Status
from service.records.audit import AuditLog
from service.records.database import Database
from service.records.types import AuditEntry, Interface
from service.settings import AuditQuestions


def say(line: str) -> None:
    print(line, flush=True)


def write(log: AuditLog, request_id: str) -> None:
    log.record(
        AuditEntry(
            at=datetime.now(UTC),
            request_id=request_id,
            key_id="key-1",
            user="",
            interface=Interface.NATIVE,
            question="公寓的月租金是多少？" * 20,
            status=Status.ANSWERED,
            reason=None,
            doc_ids=("公开/住房.md",),
            answer_id="ans-0123",
            fingerprint="sha256:0123",
            milliseconds=81.25,
        )
    )
    say(request_id)


def main(address: str, name: str, count: int, limit: int | None) -> None:
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, unlimited[1]))
    try:
        with Database.open(address) as database:
            say(database.signing_secret().hex())
            sys.stdin.readline()
            log = AuditLog(database, AuditQuestions.PLAIN, days=0)
            try:
                for n in range(count):
                    write(log, f"{name}-{n}")
            except RecordsError as error:
                if limit is None:
                    raise
                say(f"FULL {error}")
                resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
                write(log, f"{name}-after")
    except RecordsError as error:
        say(f"FAILED {error}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else None)
