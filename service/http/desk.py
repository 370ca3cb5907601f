"""Where every question is answered, whatever interface it came by: access → queue → pass → audit log → conversation → metrics.

The pass and all that is kept of it happen in a thread that holds a place in the queue. An answer is in the audit log before
anybody sees it; when it cannot be put there, the question fails. A stream shows what it finds as it goes, so it has its entry
before the first event, which says that it broke off until the answer takes its place.
"""

import json
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from indexer.document import Hit
from indexer.errors import ZhengwenError
from indexer.retrieval import Library
from indexer.scope import EVERYTHING, Scope
from service.answer import Answer, Status
from service.example_questions import ExampleQuestion, ExampleShelf
from service.http import logs
from service.http.access import Access, AccessDep, Gate
from service.http.errors import ForbiddenError
from service.http.events import EventStream
from service.http.limits import Place, WorkQueue, while_connected
from service.http.metrics import Metrics
from service.http.state import ServiceState
from service.http.telemetry import Telemetry
from service.pipeline import SHOWN, Event, Pipeline, Retrieved
from service.question import Turn
from service.records.audit import AuditLog
from service.records.clock import today, utc_now
from service.records.conversations import ConversationStore, require_room
from service.records.feedback import FeedbackStore
from service.records.shares import ShareStore
from service.records.types import AuditEntry, Interface, KeyScope, Owner

T = TypeVar("T")

BROKEN_OFF = "回答未完成"
"""In the audit log: what was shown of the answer ended before the answer did."""

# As many messages as a request may bring along.
_TURNS_BEFORE = 25

Words = Callable[[Pipeline, Event, Generator[Event, None, None]], Generator[str, None, None]]
"""Pipeline, first event and the others → the texts of a response."""


@dataclass(frozen=True)
class Service:
    """What all requests of one process share."""

    state: ServiceState
    gate: Gate
    queue: WorkQueue
    metrics: Metrics
    audit: AuditLog
    conversations: ConversationStore
    feedback: FeedbackStore
    shares: ShareStore
    telemetry: Telemetry | None
    examples: ExampleShelf = field(default_factory=ExampleShelf)
    today: Callable[[], str] = today


@dataclass(frozen=True)
class Asked:
    """A question as it came in, with what was said before it: `history`, or a conversation of the asker's by its id, which the
    answer is then added to.
    """

    question: str
    interface: Interface
    scope: Scope = EVERYTHING
    history: Sequence[Turn] = ()
    conversation_id: str = ""


class Desk:
    """Answers the questions of one request, as far as its `access` reaches."""

    def __init__(self, service: Service, request: Request, access: Access) -> None:
        self.access = access
        self._service = service
        self._request = request
        self._visible = Scope(visible=access.visible)

    def on_behalf_of(self, user: str | None) -> "Desk":
        """The same for the end user that a body names. Raises InputError."""
        return Desk(self._service, self._request, self.access.on_behalf_of(user))

    @property
    def owner(self) -> Owner:
        """Whose the records of this request are."""
        return Owner(self.access.key_id, self.access.user)

    def conversation_owner(self) -> Owner:
        """Whose the conversations of this request are.

        Raises:
            ForbiddenError: nothing tells the asker from everybody else who asks without a name.
        """
        access = self.access
        is_server = bool(access.key_id) and not access.origin
        if not (access.user or is_server or access.is_local):
            raise ForbiddenError(
                "conversations are kept for a user, and none is named: get the browser token for a user, or send a key "
                "or X-Zhengwen-User"
            )
        return self.owner

    async def ask(self, asked: Asked) -> tuple[Answer, Pipeline]:
        """The answer, and the pipeline over what the asker may see, which gave it.

        Raises:
            ForbiddenError: the access has no scope `ask`.
            NotFoundError: the asker has no such conversation.
            OverloadedError, TimedOutError, HungUpError: there was no place or no time for it, or nobody to answer to.
            RecordsError: it could not be put into the audit log.
            ZhengwenError: whatever the pass raises.
        """
        arrived, pipeline = self._begin(KeyScope.ASK, asked.question)

        async def work(place: Place) -> tuple[Answer, Pipeline]:
            visible = await place.run(partial(pipeline.within, self._visible))
            answer = await place.last(self._pass(visible, asked, arrived))
            assert isinstance(answer, Answer), "a pass ends with an answer"
            return answer, visible

        return await self._at_work(work)

    async def again(self, question: str, history: Sequence[Turn], scope: Scope) -> Answer:
        """The answer that the asker gets to a question that was asked before; nothing is kept of it.

        Raises:
            What `ask` raises, save RecordsError.
        """
        _, pipeline = self._begin(KeyScope.ASK, question)
        logs.note_question(*(turn.content for turn in history))

        async def work(place: Place) -> Answer:
            visible = await place.run(partial(pipeline.within, self._visible))
            answer = await place.last(visible.stream(question, history, self._seen(scope)))
            assert isinstance(answer, Answer), "a pass ends with an answer"
            return answer

        return await self._at_work(work)

    async def stream(self, asked: Asked, words: Words, broken: Callable[[ZhengwenError], str]) -> EventStream:
        """A response of what `words` makes of the pass; `broken` words the end of one that takes too long.

        The first event is there when this returns, so that a question that cannot be asked is still a plain error.

        Raises:
            What `ask` raises.
        """
        arrived, pipeline = self._begin(KeyScope.ASK, asked.question)

        async def work(place: Place) -> EventStream:
            visible = await place.run(partial(pipeline.within, self._visible))
            events = self._pass(visible, asked, arrived, is_streamed=True)
            first = await place.next(events)
            assert first is not None, "a pass begins with what was retrieved"
            return EventStream(place.stream(words(visible, first, events), broken))

        return await self._at_work(work)

    async def search(self, question: str, k: int, scope: Scope, interface: Interface) -> tuple[list[Hit], Library]:
        """At most `k` hits, best first, and the library that they are from.

        Raises:
            ForbiddenError: the access has no scope `search`; and what `ask` raises.
        """
        arrived, pipeline = self._begin(KeyScope.SEARCH, question)
        scope = self._dated(scope)

        def find() -> tuple[list[Hit], Library]:
            visible = pipeline.within(self._visible)
            hits = visible.search(question, k, scope)
            status = Status.ANSWERED if hits else Status.REFUSED
            self._service.audit.record(self._found(question, interface, visible, hits, status, arrived))
            return hits, visible.library

        return await self._at_work(lambda place: place.run(find))

    async def examples(self) -> list[ExampleQuestion]:
        """Questions that the documents which the asker may see answer; what is asked for that is nobody's question and not kept.

        Raises:
            What `ask` raises.
        """
        self.access.require(KeyScope.ASK)
        pipeline = self._service.state.pipeline
        shelf = self._service.examples
        return await self._at_work(lambda place: place.run(lambda: shelf.of(pipeline.within(self._visible))))

    def today(self) -> str:
        """The day that questions are asked for which name none."""
        return self._service.today()

    def library(self) -> Library:
        """The documents that the asker may see, to read in.

        Raises:
            ForbiddenError: the access may neither ask nor search.
            NotReadyError: there is no index yet.
        """
        if KeyScope.SEARCH not in self.access.scopes:
            self.access.require(KeyScope.ASK)
        return self._service.state.pipeline.library.within(self._visible)

    @property
    def index(self) -> str:
        """Fingerprint of the index that is served; raises NotReadyError."""
        return self._service.state.pipeline.receipt.index

    def sees_all_of(self, visible: tuple[str, ...], doc_ids: Sequence[str]) -> bool:
        """Whether the asker sees every document of the index that somebody with these patterns sees, and these besides.

        What somebody saw shows in every part of an answer, a refusal too, not only in what it cites.
        """
        there = self._service.state.pipeline.library.within(Scope(visible=visible)).documents
        return all(self._visible.shows(doc_id) for doc_id in (*there, *doc_ids))

    def _begin(self, needed: KeyScope, question: str) -> tuple[float, Pipeline]:
        """When it arrived, and the pipeline that answers now."""
        self.access.require(needed)
        logs.note_question(question)
        return time.perf_counter(), self._service.state.pipeline

    def _seen(self, scope: Scope) -> Scope:
        """What is asked for, within what the asker may see."""
        return replace(scope, visible=self.access.visible)

    def _dated(self, scope: Scope) -> Scope:
        """What is asked for, within what the asker may see, on the day that is named or else today."""
        return replace(self._seen(scope), as_of=scope.as_of or self._service.today())

    async def _at_work(self, work: Callable[[Place], Awaitable[T]]) -> T:
        """What `work` gives in a place of the queue, as long as the client is there."""
        who = self.access.key_id or (self._request.client.host if self._request.client else "")

        async def placed() -> T:
            async with self._service.queue.place(who) as place:
                return await work(place)

        return await while_connected(self._request.receive, placed())

    def _pass(
        self, pipeline: Pipeline, asked: Asked, arrived: float, *, is_streamed: bool = False
    ) -> Generator[Event, None, None]:
        """The events of the pass: the answer once it is kept, all of them once it is known that something was shown."""
        history = self._history(asked)
        logs.note_question(*(turn.content for turn in history))
        begun = None
        with closing(pipeline.stream(asked.question, history, self._dated(asked.scope))) as events:
            for event in events:
                if isinstance(event, Retrieved) and is_streamed:
                    shown = event.hits[:SHOWN]
                    entry = self._found(asked.question, asked.interface, pipeline, shown, Status.PARTIAL, arrived)
                    begun = self._service.audit.record(replace(entry, reason=BROKEN_OFF))
                elif isinstance(event, Answer):
                    self._keep(event, asked, arrived, begun)
                yield event

    def _history(self, asked: Asked) -> Sequence[Turn]:
        if not asked.conversation_id:
            return asked.history
        store = self._service.conversations
        conversation = store.get(self.conversation_owner(), asked.conversation_id, _TURNS_BEFORE)
        require_room(conversation.summary)
        return [
            said
            for turn in conversation.turns
            for said in (Turn("user", turn.question), Turn("assistant", json.loads(turn.answer_json)["answer"]))
        ]

    def _found(
        self,
        question: str,
        interface: Interface,
        pipeline: Pipeline,
        hits: Sequence[Hit],
        status: Status,
        arrived: float,
    ) -> AuditEntry:
        """The entry of a question that passages were shown for."""
        return AuditEntry(
            at=utc_now(),
            request_id=logs.request_id(),
            key_id=self.access.key_id,
            user=self.access.user,
            interface=interface,
            question=question,
            status=status,
            reason=None,
            doc_ids=tuple(dict.fromkeys(hit.passage.doc_id for hit in hits)),
            answer_id="",
            fingerprint=pipeline.receipt.index,
            milliseconds=_milliseconds(arrived),
        )

    def _keep(self, answer: Answer, asked: Asked, arrived: float, begun: int | None) -> None:
        """Keeps the answer; its entry takes the place of the one that was `begun`."""
        service = self._service
        entry = AuditEntry.of(
            answer,
            at=utc_now(),
            request_id=logs.request_id(),
            owner=self.owner,
            interface=asked.interface,
            milliseconds=_milliseconds(arrived),
        )
        if begun is None:
            service.audit.record(entry)
        else:
            service.audit.amend(begun, entry)
        if asked.conversation_id:
            row = json.dumps(answer.to_json(), ensure_ascii=False)
            service.conversations.append(self.conversation_owner(), asked.conversation_id, asked.question, row)
        service.metrics.observe_answer(answer)
        if service.telemetry is not None:
            service.telemetry.observe_answer(answer)


def _milliseconds(since: float) -> float:
    return round(1000 * (time.perf_counter() - since), 1)


async def _desk(request: Request, access: AccessDep) -> Desk:
    return Desk(request.state.core, request, access)


DeskDep = Annotated[Desk, Depends(_desk)]
