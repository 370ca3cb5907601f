"""`/healthz` answers at once, `/readyz` when the pipeline is loaded; another version takes its place without a gap."""

import asyncio
import gc
import shutil
import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, AsyncExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from indexer import store
from indexer.build import build
from indexer.errors import ModelError
from indexer.store import load
from service.answer import Answer, Status
from service.http.errors import NotReadyError
from service.http.state import Reloaded, ServiceState
from service.pipeline import Pipeline
from service.versions import IndexWatch

ClientOver = Callable[..., AbstractContextManager[TestClient]]
NEEDS_PIPELINE = ["/readyz", "/version", "/api/documents", "/api/documents/notice.md", "/v1/models"]


def _assert_unavailable(client: TestClient, path: str, reason: str) -> None:
    response = client.get(path)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    body = response.json()
    message = body["error"]["message"] if path.startswith("/v1/") else body["detail"]
    assert reason in message


def test_service_is_ready_before_its_pipeline_or_dead_until_then(pipeline: Pipeline, client_over: ClientOver) -> None:
    gate = threading.Event()

    def open_slowly() -> Pipeline:
        gate.wait()
        return pipeline

    with client_over(open_slowly, ready=False) as client:
        try:
            assert client.get("/healthz").json() == {"status": "ok"}
            assert client.get("/").status_code == 200
            for path in NEEDS_PIPELINE:
                _assert_unavailable(client, path, "loading")
            for path, body in (
                ("/api/ask", {"question": "公寓的月租金是多少？"}),
                ("/v1/chat/completions", {"model": "zhengwen", "messages": [{"role": "user", "content": "公寓？"}]}),
            ):
                assert client.post(path, json=body).status_code == 503
        finally:
            gate.set()
        while client.get("/readyz").status_code != 200:
            pass
        assert client.get("/readyz").json() == {"status": "ready", "index": pipeline.receipt.index}
        for path in NEEDS_PIPELINE:
            assert client.get(path).status_code == 200


def _fail_to_load(error: Exception, client_over: ClientOver) -> str:
    """What `/readyz` says once loading has ended with `error`."""

    def open_broken() -> Pipeline:
        raise error

    with client_over(open_broken, ready=False) as client:
        while "still loading" in (detail := client.get("/readyz").json()["detail"]):
            pass
        for path in NEEDS_PIPELINE:
            _assert_unavailable(client, path, detail)
        assert client.get("/healthz").status_code == 200
    return str(detail)


def test_reason_why_it_cannot_be_loaded_is_not_told(client_over: ClientOver) -> None:
    assert _fail_to_load(ModelError("the embedder 'x' cannot be loaded"), client_over) == (
        "the embedder 'x' cannot be loaded"
    )


def test_bug_while_loading_looks_like_loading_for_ever(
    client_over: ClientOver, caplog: pytest.LogCaptureFixture
) -> None:
    detail = _fail_to_load(RuntimeError("secret detail"), client_over)
    assert "could not be loaded" in detail
    assert "secret" not in detail
    assert "secret detail" in caplog.text


def test_missing_index_is_not_told(tmp_path: Path, client_over: ClientOver) -> None:
    with client_over(lambda: Pipeline.over(load(tmp_path / "none")), ready=False) as client:
        while "still loading" in (detail := client.get("/readyz").json()["detail"]):
            pass
        assert "zhengwen index" in detail, "it does not say what to do"


def test_pipeline_is_loaded_once_a_request(pipeline: Pipeline, client_over: ClientOver) -> None:
    loads = []

    def open_counted() -> Pipeline:
        loads.append(1)
        return pipeline

    with client_over(open_counted) as client:
        for _ in range(3):
            assert client.post("/api/ask", json={"question": "公寓的月租金是多少？"}).status_code == 200
    assert len(loads) == 1


# --- another version


TIDES = {"tides.md": "# 潮汐表\n\n十月的大潮在初三，码头停工两天。\n"}
MORE = TIDES | {"kelp.md": "# 海带\n\n海带苗在十月下海，次年五月收割。\n"}
WHEN = "海带什么时候收割？"


def _add(index: Path, texts: dict[str, str]) -> str:
    """The fingerprint of a version built from `texts`."""
    corpus = index.parent / "corpus"
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir()
    for name, text in texts.items():
        (corpus / name).write_text(text, encoding="utf-8")
    return build(corpus, index).manifest.fingerprint


def _damage(index: Path) -> None:
    """Names a version that cannot be loaded, as a copy that broke off leaves it."""
    (index / "versions" / "0123456789abcdef").mkdir(exist_ok=True)
    (index / "current").write_text("0123456789abcdef\n", encoding="utf-8")


@pytest.fixture
def tides(tmp_path: Path) -> Path:
    _add(tmp_path / "index", TIDES)
    return tmp_path / "index"


def _over(index: Path, *, follow: bool = True) -> ServiceState:
    """A state that looks for news all the time."""
    return ServiceState(lambda: Pipeline.open(index), IndexWatch(index, follow), poll_seconds=0)


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


def _fingerprint(state: ServiceState) -> str:
    return "" if state.problem else state.pipeline.receipt.index


def test_new_version_needs_a_restart_or_breaks_what_was_begun(tides: Path) -> None:
    async def scenario() -> None:
        state = _over(tides)
        async with state.running():
            await _until(lambda: not state.problem)
            old = state.pipeline
            assert old.ask(WHEN).status is Status.REFUSED
            begun = old.stream("大潮在哪天？")
            next(begun)
            new = await asyncio.to_thread(_add, tides, MORE)
            await _until(lambda: _fingerprint(state) == new)
            assert state.pipeline.ask(WHEN).status is Status.ANSWERED
            await asyncio.to_thread(shutil.rmtree, tides)  # nothing on disk is needed any more
            *_, answer = begun
            assert isinstance(answer, Answer)
            assert answer.status is Status.ANSWERED
            assert answer.receipt is old.receipt
            assert state.pipeline.ask(WHEN).receipt.index == new

    asyncio.run(scenario())


def test_old_version_stays_in_memory_for_ever(tides: Path) -> None:
    async def scenario() -> None:
        state = _over(tides)
        await state.reload()
        first = weakref.ref(state.pipeline.library)
        begun = state.pipeline.stream(WHEN)
        next(begun)
        gc.disable()  # which would hide what only the next collection of a busy service frees
        try:
            await state.reload()
            assert first() is not None, "a request still uses it"
            second = weakref.ref(state.pipeline.library)
            begun.close()
            del begun
            await state.reload()
            assert first() is None
            assert second() is None
        finally:
            gc.enable()

    asyncio.run(scenario())


def test_version_that_cannot_be_loaded_takes_the_place_of_one_that_answers(
    tides: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        state = _over(tides)
        first = await state.reload()
        assert (first.changed, first.problem) == (True, None)
        _damage(tides)
        failed = await state.reload()
        assert failed == Reloaded(first.index, False, state.problem)
        assert "manifest.json is missing" in str(failed.problem)
        assert f"still serving index={first.index}" in caplog.text
        assert state.pipeline.ask("大潮在哪天？").status is Status.ANSWERED
        await asyncio.to_thread(store.rollback, tides)
        assert await state.reload() == Reloaded(first.index, False, None)
        assert state.problem is None

    asyncio.run(scenario())


def test_bug_in_the_documents_of_a_new_version_ends_the_service(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes: list[Pipeline | Exception] = [pipeline, RuntimeError("secret detail"), pipeline]

    def open_next() -> Pipeline:
        if isinstance(outcome := outcomes.pop(0), Exception):
            raise outcome
        return outcome

    async def scenario() -> None:
        state = ServiceState(open_next)
        await state.reload()
        failed = await state.reload()
        assert failed.index == pipeline.receipt.index
        assert "could not be loaded" in str(failed.problem)
        assert "secret" not in str(failed.problem)
        assert "secret detail" in caplog.text
        assert state.pipeline is pipeline
        assert (await state.reload()).problem is None

    asyncio.run(scenario())


def test_service_that_found_no_index_never_looks_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        state = _over(tmp_path / "index")
        async with state.running():
            await _until(lambda: "zhengwen index" in str(state.problem))
            with pytest.raises(NotReadyError, match="no index at"):
                _ = state.pipeline
            fingerprint = await asyncio.to_thread(_add, tmp_path / "index", TIDES)
            await _until(lambda: _fingerprint(state) == fingerprint)

    asyncio.run(scenario())


def test_one_worker_is_told_and_the_others_are_not(tides: Path) -> None:
    """They follow nothing by themselves here, so that only the telling counts."""

    async def scenario() -> None:
        told, *others = states = [_over(tides, follow=False) for _ in range(3)]
        async with AsyncExitStack() as stack:
            for state in states:
                await stack.enter_async_context(state.running())
            for state in states:
                await _until(lambda state=state: not state.problem)
            new = await asyncio.to_thread(_add, tides, MORE)
            for _ in range(100):
                await asyncio.sleep(0)
            assert {_fingerprint(state) for state in states} == {_fingerprint(told)} != {new}
            assert await told.reload_everywhere() == Reloaded(new, True, None)
            for state in others:
                await _until(lambda state=state: _fingerprint(state) == new)

    asyncio.run(scenario())


def test_worker_that_cannot_tell_the_others_does_not_load_either(
    tides: Path, caplog: pytest.LogCaptureFixture, pipeline: Pipeline
) -> None:
    async def scenario() -> None:
        state = ServiceState(lambda: pipeline, IndexWatch(tides / "none", follow=True))
        assert (await state.reload_everywhere()).changed
        assert "cannot be touched" in caplog.text

    asyncio.run(scenario())


def test_two_loads_at_once_take_the_memory_of_three_indexes(tides: Path, pipeline: Pipeline) -> None:
    at_work, most, loads = 0, 0, 0
    counting = threading.Lock()

    def open_counted() -> Pipeline:
        nonlocal at_work, most, loads
        with counting:
            at_work, loads = at_work + 1, loads + 1
            most = max(most, at_work)
        opened = pipeline.search("公寓") and pipeline
        with counting:
            at_work -= 1
        assert opened
        return opened

    async def scenario() -> None:
        state = ServiceState(open_counted, IndexWatch(tides, follow=True), poll_seconds=0)
        async with state.running():
            await _until(lambda: not state.problem)
            (tides / store.RELOAD).touch()
            results = await asyncio.gather(*(state.reload() for _ in range(3)))
            assert all(result.problem is None for result in results)

    asyncio.run(scenario())
    assert most == 1
    assert loads <= 1 + 1 + 3


def test_caller_that_hangs_up_leaves_a_load_half_done(tides: Path) -> None:
    gate, opened = threading.Event(), threading.Event()

    def open_slowly() -> Pipeline:
        opened.set()
        gate.wait()
        return Pipeline.open(tides)

    async def scenario() -> None:
        state = ServiceState(open_slowly)
        caller = asyncio.create_task(state.reload())
        await asyncio.to_thread(opened.wait)
        caller.cancel()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await _until(lambda: not state.problem)
        assert state.pipeline.ask("大潮在哪天？").status is Status.ANSWERED

    asyncio.run(scenario())


def test_service_that_stops_leaves_its_watch_or_a_load_behind(tides: Path) -> None:
    gate, opened = threading.Event(), threading.Event()

    def open_slowly() -> Pipeline:
        opened.set()
        gate.wait()
        return Pipeline.open(tides)

    async def scenario() -> None:
        state = ServiceState(open_slowly, IndexWatch(tides, follow=True), poll_seconds=0)
        async with state.running():
            await asyncio.to_thread(opened.wait)
            gate.set()  # in the middle of the first load
        assert asyncio.all_tasks() == {asyncio.current_task()}
        state = _over(tides)
        async with state.running():
            await _until(lambda: not state.problem)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        before = state.pipeline
        await asyncio.to_thread(_add, tides, MORE)
        for _ in range(100):
            await asyncio.sleep(0)
        assert state.pipeline is before

    asyncio.run(scenario())
