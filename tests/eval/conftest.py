"""A tiny corpus of three documents, questions on it, and pipelines that answer them well and badly."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from eval.gold import GoldQuestion, QuestionType, Style
from eval.record import Record, ask, write_records
from eval.run import write_summary
from eval.summary import Header, Summary, summarise
from indexer.document import Document, Hit, Passage
from indexer.retrieval import Library
from service.answer import Answer, Citation, Receipt, Sentence, ShownPassage, Status
from service.pipeline import Stages
from service.question import Turn

TEXTS = {
    "lake.md": "湖畔新区今年新建换电站26座，年底前全部投入运营。",
    "lake-2021.md": "湖畔新区2021年共建成换电站19座，交由公司管理。",
    "river.md": "跨江轮渡自三月起延长夜间班次，末班推迟到23点。",
}
RECEIPT = Receipt("sha256:index", {"embedder": "none"}, "sha256:prompt", "9.9")
HEADER = Header("sha256:index", "sha256:gold", {}, "sha256:prompt", "9.9", {}, {}, "all", None, 60.0)
Say = Callable[[str], Answer]


@dataclass
class FakePipeline:
    """Says what `say` makes of a question and always ranks the documents in the same order."""

    library: Library
    say: Say
    order: tuple[str, ...]
    receipt: Receipt = RECEIPT

    def ask(self, text: str, history: Sequence[Turn] = ()) -> Answer:
        return self.say(text)

    def stages(self, text: str, history: Sequence[Turn] = ()) -> Stages:
        hits = tuple(Hit(self.library.passages[f"{name}#0"], 1.0) for name in self.order)
        return Stages(hits[::-1], (), hits, hits)


class World:
    """Builders over the tiny corpus."""

    def __init__(self) -> None:
        self.texts = TEXTS
        self.header = HEADER
        self.documents = {name: Document(name, name, text, "0" * 64) for name, text in TEXTS.items()}
        passages = tuple(Passage(f"{name}#0", name, 0, len(text)) for name, text in TEXTS.items())
        self.library = Library(tuple(self.documents.values()), passages)

    def answerable(self, number: int, doc: str = "lake.md", form: str = "26座", **changes: Any) -> GoldQuestion:
        question = GoldQuestion(
            id=f"a-{number}",
            question=f"第{number}问",
            type=QuestionType.NUMBER,
            style=Style.PLAIN,
            docs=(doc,),
            answers=((form,),),
            evidence=(TEXTS[doc],),
        )
        return replace(question, **changes)

    def unanswerable(self, number: int) -> GoldQuestion:
        kind = QuestionType.UNANSWERABLE
        return GoldQuestion(f"u-{number}", f"无{number}问", kind, Style.NOISY, ("river.md",), (), ())

    def questions(self) -> list[GoldQuestion]:
        """Fifteen that lake.md answers and that the figure of 2021 does not, and five that nothing answers."""
        return [self.answerable(i, forbid=("19座",)) for i in range(15)] + [self.unanswerable(i) for i in range(5)]

    def refusal(self, question: str) -> Answer:
        """A refusal whose text happens to name the right figure."""
        return Answer(question, Status.REFUSED, "没有找到26座。", "没有找到", (), (), (), {}, RECEIPT)

    def quoting(self, question: str, doc: str = "lake.md", said: str = "") -> Answer:
        """An answer, given with all confidence, that says what a document says, or something else, and cites that document."""
        document = self.documents[doc]
        citation = Citation.of(1, document, 0, len(document.text), ())
        text = said or document.text
        shown = ShownPassage(f"{doc}#0", doc, 0, len(document.text), 1.0, document.text)
        sentences = (Sentence(text, (1,)),)
        made = Answer(question, Status.ANSWERED, text + "[1]", None, sentences, (citation,), (shown,), {}, RECEIPT)
        return replace(made, confidence=1.0)

    def pipeline(self, say: Say, *order: str) -> FakePipeline:
        return FakePipeline(self.library, say, order or tuple(TEXTS))

    def records(self, say: Say, questions: Sequence[GoldQuestion], *order: str) -> list[Record]:
        pipeline = self.pipeline(say, *order)
        return [ask(pipeline, question) for question in questions]  # type: ignore[arg-type]

    def summary(self, say: Say, questions: Sequence[GoldQuestion], *order: str) -> Summary:
        return summarise(self.records(say, questions, *order), HEADER)

    def save(self, folder: Path, records: Sequence[Record], **header: Any) -> Path:
        """A folder as a run leaves it when it is through."""
        head = replace(HEADER, **header)
        folder.mkdir()
        (folder / "run.json").write_text(json.dumps(asdict(head)), encoding="utf-8")
        write_records(folder / "answers.jsonl", records)
        write_summary(folder, records, head)
        return folder


@pytest.fixture(scope="session")
def world() -> World:
    return World()
