"""Several workers behind one port: a new index without a failed request, and what a crash, damage or a rollback do to them."""

import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import IO

import httpx2
import pytest

from indexer import store
from indexer.build import build

WORKERS = 2
WHEN = "大潮在哪天？"

Start = Callable[..., "Popen[str]"]


def _add(index: Path, text: str) -> str:
    """The fingerprint of a version built from `text`."""
    corpus = index.parent / "corpus"
    corpus.mkdir(exist_ok=True)
    (corpus / "tides.md").write_text(f"# 潮汐表\n\n{text}\n", encoding="utf-8")
    return build(corpus, index).manifest.fingerprint


@dataclass
class Service:
    """`zhengwen serve --workers 2` over `index`; `log` is what it has written so far, `served` the index it started with."""

    index: Path
    url: str
    process: "Popen[str]"
    served: str
    log: list[str] = field(default_factory=list)
    loads: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """One for each time that a worker has loaded a version, or could not."""
    pids: set[int] = field(default_factory=set)

    def version(self) -> dict[str, object] | None:
        """What one of the workers says, whichever takes the connection; None while that one is not ready."""
        try:
            reply = httpx2.get(self.url + "/version")
        except httpx2.TransportError:  # taken by a worker that was killed
            return None
        return reply.json() if reply.status_code == 200 else None

    def workers(self, like: Callable[[dict[str, object]], bool]) -> set[int]:
        """The process ids of all workers, once so many have loaded a version and then each has said something like that."""
        for _ in range(WORKERS):
            self.loads.acquire()
        found: dict[int, bool] = {}
        while True:
            assert self.process.poll() is None, "".join(self.log)
            if (said := self.version()) is not None:
                found[int(str(said["worker"]))] = like(said)
                alive = {pid for pid in found if Path(f"/proc/{pid}").exists()}
                if len(alive) == WORKERS and all(found[pid] for pid in alive):
                    return alive

    def all_serve(self, fingerprint: str) -> set[int]:
        return self.workers(lambda said: said["index"] == fingerprint and said["problem"] is None)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, start: Start) -> Iterator[Service]:
    index = tmp_path_factory.mktemp("workers") / "index"
    fingerprint = _add(index, "十月的大潮在初一，码头停工两天。")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def read_log(stream: IO[str]) -> None:
        for line in stream:
            running.log.append(line)
            if "ready index=" in line or "still serving index=" in line:
                running.loads.release()
        running.loads.release(WORKERS)  # it has ended, and nothing more will come

    with start("serve", "--workers", WORKERS, "--port", port, "--index", index, OMP_NUM_THREADS="1") as process:
        running = Service(index, f"http://127.0.0.1:{port}", process, fingerprint)
        reader = threading.Thread(target=read_log, args=(process.stderr,))
        reader.start()
        try:
            running.pids = running.all_serve(fingerprint)
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            reader.join()
    assert process.returncode == 0
    log = "".join(running.log)
    assert "Traceback" not in log
    assert "leaked" not in log


def test_new_version_costs_a_request_or_reaches_one_worker_only(service: Service) -> None:
    stop = threading.Event()
    wrong: list[str] = []

    def keep_asking() -> set[str]:
        seen = set()
        while not stop.is_set():
            reply = httpx2.post(service.url + "/api/ask", json={"question": WHEN})  # a new connection each time
            if reply.status_code != 200:
                wrong.append(reply.text)
                break
            answer = reply.json()
            seen.add(answer["receipt"]["index"])
            day = "初一" if answer["receipt"]["index"] == service.served else "初三"
            if day not in answer["answer"]:
                wrong.append(answer["answer"])
        return seen

    with ThreadPoolExecutor(3) as pool:
        callers = [pool.submit(keep_asking) for _ in range(3)]
        new = _add(service.index, "十月的大潮在初三，码头停工两天。")
        service.all_serve(new)
        stop.set()
        seen = set.union(*(caller.result() for caller in callers))
    assert wrong == []
    assert seen == {service.served, new}
    service.served = new


def test_damaged_version_or_the_way_back_from_it_stops_the_service(service: Service, start: Start) -> None:
    whole = service.index / "versions" / (service.index / "current").read_text(encoding="utf-8").strip()
    damaged = shutil.copytree(whole, whole.with_name("0123456789abcdef"))
    (Path(damaged) / "dense.faiss").write_bytes(b"")
    (service.index / ".current").write_text("0123456789abcdef\n", encoding="utf-8")
    (service.index / ".current").replace(service.index / "current")
    service.workers(lambda said: said["index"] == service.served and "damaged" in str(said["problem"]))
    reply = httpx2.post(service.url + "/api/ask", json={"question": WHEN})
    assert "初三" in reply.json()["answer"]
    back = start("index", "rollback", whole.name, "--index", service.index)
    assert back.communicate()[0].startswith(f"index {service.index} is version {whole.name} now: built ")
    assert back.returncode == 0
    service.all_serve(service.served)


def test_killed_worker_is_not_replaced_or_takes_another_with_it(service: Service) -> None:
    said = service.version()
    assert said is not None
    killed = int(str(said["worker"]))
    new = _add(service.index, "十月的大潮在初五，码头停工三天。")
    Popen(["kill", "-9", str(killed)]).wait()  # it may well be loading the new version
    after = service.all_serve(new)
    assert killed not in after
    assert service.pids - {killed} < after
    reply = httpx2.post(service.url + "/api/ask", json={"question": WHEN})
    assert "初五" in reply.json()["answer"]
    assert store.load(service.index).manifest.fingerprint == new
