"""What the bundled models cost: time, memory and bytes; and what a smaller table of the embedder would lose.

Times are taken in processes of their own, bound to their number of cores; of several the best counts, for other work on the
machine can only make them worse.
"""

import argparse
import json
import logging
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor, nn

from indexer.dense import DenseIndex
from indexer.embedder import SentenceTransformerEmbedder
from indexer.retrieval import HybridRetriever, Library
from indexer.store import load
from models import EMBEDDER, EVIDENCE
from service.candidates import Candidates
from service.evidence import READ, token_weights
from service.evidence_model import EvidenceModel
from service.features import Features
from service.question import understand
from training.measure_retrieval import Task, folder_collection
from training.measures import Figure, mean_figure, recall
from training.policy import CHOOSING, DOCUMENTS, policy_questions
from training.results import Cell, Row, Section, Table, weights

log = logging.getLogger("training.measure_cost")

TIMES, STORAGE, SIZES = "Time and memory", "Storage of the embedder's table", "Bytes"
FULL, HALF = "float32", "float16"
_RUNS = 3
_QUESTIONS = 60
_PASSAGES = 4000
_WORTHLESS = 0.002
"""A loss of recall up to this is none."""
_LEVELS = 127


@dataclass(frozen=True)
class Cost:
    """Seconds, passages a second and megabytes on `cores` cores.

    `unread` and `first` are the median seconds of a question whose passages are new: to make its candidates, and to make and
    judge them; `again` is the same with all that in the caches. `imported` is the resident memory before any model,
    `resident` the peak.
    """

    cores: int
    embedder_load: float
    evidence_load: float
    embedded: float
    unread: float
    first: float
    again: float
    imported: int
    resident: int


def measure(index: Path, cores: int, folder: Path) -> Cost:
    """The cost on an index with the embedder at `folder`, in this process, which is bound to the first `cores` of its cores from
    now on."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    torch.set_num_threads(cores)
    stored = load(index)
    imported = _resident("VmRSS")
    began = perf_counter()
    embedder = SentenceTransformerEmbedder(str(folder))
    embedder.embed_question("问")
    loaded = perf_counter()
    model = EvidenceModel.load(EVIDENCE)
    ready = perf_counter()
    library = Library(stored.documents, stored.passages)
    texts = [library.text(passage) for passage in stored.passages]
    many = (texts * (_PASSAGES // len(texts) + 1))[:_PASSAGES]
    start = perf_counter()
    vectors = embedder.embed_passages(many)
    embedded = len(many) / (perf_counter() - start)
    record = replace(stored.manifest.embedder, fingerprint=embedder.fingerprint)
    dense = DenseIndex.build(vectors[: len(texts)])
    stored = replace(stored, dense=dense, manifest=replace(stored.manifest, embedder=record))
    retriever = HybridRetriever(stored, embedder)
    unread, first, again = [], [], []
    for line in list(policy_questions(CHOOSING))[::5][:_QUESTIONS]:
        question = understand(line.question)
        hits = retriever.retrieve(question.resolved, question.tokens, READ)
        weights = token_weights(question, stored.lexical)
        # What a service has in its caches depends on its past: fresh ones for each question, then the same once more.
        maker, features = Candidates(library, stored.glossary), Features(embedder)
        start = perf_counter()
        candidates = maker.of(hits, with_lists=question.wants_many)
        made = perf_counter()
        model.judge(features.of(question, weights, candidates))
        judged = perf_counter()
        model.judge(features.of(question, weights, maker.of(hits, with_lists=question.wants_many)))
        again.append(perf_counter() - judged)
        unread.append(made - start)
        first.append(judged - start)
    return Cost(
        cores,
        loaded - began,
        ready - loaded,
        embedded,
        statistics.median(unread),
        statistics.median(first),
        statistics.median(again),
        imported,
        _resident("VmHWM"),
    )


def _resident(key: str) -> int:
    """Megabytes: `VmRSS` now, `VmHWM` at most; the usage that `resource` gives counts the parent's too."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split(f"{key}:")[1].split()[0]) // 1024


def measured_apart(index: Path, cores: int, folder: Path) -> Cost:
    """The best of several times `measure`, each in a process of its own."""
    command = [sys.executable, "-m", "training.measure_cost", str(index), str(cores), str(folder)]
    threads = {name: str(cores) for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")}
    environment = {**os.environ, **threads}
    runs = [subprocess.run(command, capture_output=True, check=True, text=True, env=environment) for _ in range(_RUNS)]
    return best([Cost(**json.loads(run.stdout.splitlines()[-1])) for run in runs])


def best(costs: Sequence[Cost]) -> Cost:
    """The lowest of each figure, of passages a second the highest."""
    lowest = {field.name: min(getattr(cost, field.name) for cost in costs) for field in fields(Cost)}
    return Cost(**{**lowest, "embedded": max(cost.embedded for cost in costs)})


def half(table: Tensor) -> Tensor:
    """The table in 16-bit floats."""
    return table.half()


def bytes_by_row(table: Tensor) -> Tensor:
    """The table as signed bytes with one scale a row would give it back."""
    scale = table.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / _LEVELS
    return (table / scale).round() * scale


def stored_as(table: Tensor, folder: Path) -> SentenceTransformerEmbedder:
    """The bundled embedder with another table in place of its own, saved at `folder` in the table's own precision."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    model = SentenceTransformer(str(EMBEDDER), device="cpu")
    static = model[0]
    assert isinstance(static, StaticEmbedding)
    static.embedding.weight = nn.Parameter(table)
    shutil.rmtree(folder, ignore_errors=True)
    model.save(str(folder), create_model_card=False)
    return SentenceTransformerEmbedder(str(folder))


def nearest(task: Task, embedder: SentenceTransformerEmbedder) -> list[list[int]]:
    """The ten rows that the dense leg alone gives each question, best first."""
    index = DenseIndex.build(embedder.embed_passages(task.collection.texts))
    return [[row for row, _ in index.search(embedder.embed_question(query.text), 10)] for query in task.queries]


def dense_recall(task: Task, found: Sequence[Sequence[int]]) -> list[float]:
    """Recall@10, one value a question."""
    return [recall(rows, query.right, 10) for rows, query in zip(found, task.queries, strict=True)]


def smallest_without_loss(losses: Mapping[str, Sequence[Figure]]) -> str:
    """Of kinds of storage in the order of their size, smallest first, the first that loses no recall anywhere.

    No loss: the differences from the full table are above -0.002, or cannot be told from 0. The last kind is taken when all
    others lose.
    """
    for name, differences in losses.items():
        if all(figure.value > -_WORTHLESS or figure.high >= 0 for figure in differences):
            return name
    return list(losses)[-1]


def storage_table(tasks: Sequence[Task], work: Path) -> Table:
    """For each kind of storage the dense leg's recall@10 with the difference from 32-bit floats, and how often its ten nearest
    passages stay the same, in the same order."""
    table = _table()
    entries, rows = table.numel(), len(table)
    kinds = {
        "int8, one scale a row": (bytes_by_row(table), entries + 4 * rows),
        HALF: (half(table), 2 * entries),
        FULL: (table, 4 * entries),
    }
    full = [nearest(task, SentenceTransformerEmbedder(str(EMBEDDER))) for task in tasks]
    lines: list[Row] = []
    losses: dict[str, list[Figure]] = {}
    for name, (values, size) in kinds.items():
        embedder = stored_as(values, work / "embedder-stored")
        cells: list[Cell] = [f"{size / 1e6:.1f}"]
        losses[name] = []
        for task, theirs in zip(tasks, full, strict=True):
            found = nearest(task, embedder)
            ours = dense_recall(task, found)
            loss = mean_figure([a - b for a, b in zip(ours, dense_recall(task, theirs), strict=True)])
            same = mean_figure([float(a == b) for a, b in zip(found, theirs, strict=True)])
            losses[name].append(loss)
            cells.extend((mean_figure(ours), loss, f"{same.value:.3f}"))
        lines.append(Row(name, tuple(cells)))
        log.info("storage as %s done", name)
    head = ["MB of the table"]
    for task in tasks:
        head.extend((f"{task.name}: recall@10", "− float32", "same ten"))
    note = (
        "The dense leg alone. The smallest storage without loss (a difference above -0.002, or one that cannot be told from "
        f"0): **{smallest_without_loss(losses)}**. int8 would need code of its own; float16 is loaded as it is by the same "
        "code. float32 ships all the same: half the table would save 10 MB on disk, no time and hardly any memory, yet change "
        "every vector in its last digits, so that all indexes would have to be built anew."
    )
    return Table(STORAGE, tuple(head), tuple(lines), note)


def _table() -> Tensor:
    """The vectors of the bundled embedder, `(pieces, dimensions)`."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    static = SentenceTransformer(str(EMBEDDER), device="cpu")[0]
    assert isinstance(static, StaticEmbedding)
    return static.embedding.weight.detach()


def sizes_table(folders: Sequence[Path]) -> Table:
    """Megabytes of every file of the bundled models."""
    files = [(folder, path) for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    rows = [
        Row(f"`{folder.name}/{path.relative_to(folder).as_posix()}`", (f"{path.stat().st_size / 1e6:.3f}",))
        for folder, path in files
        if path.name != "README.md"
    ]
    total = sum(path.stat().st_size for _, path in files if path.name != "README.md")
    return Table(SIZES, ("MB",), (*rows, Row("together", (f"{total / 1e6:.3f}",))))


def times_table(costs: Mapping[str, Cost]) -> Table:
    """One row a number of cores and kind of storage, by their label."""
    rows = [
        Row(
            label,
            (
                f"{1 / cost.first:.0f} ({1000 * cost.first:.0f} ms)",
                f"{1 / cost.again:.0f} ({1000 * cost.again:.0f} ms)",
                f"{100 * cost.unread / cost.first:.0f} %",
                f"{cost.embedded:,.0f}",
                f"{cost.embedder_load:.2f}",
                f"{1000 * cost.evidence_load:.1f}",
                f"{cost.resident}",
                f"{cost.imported}",
            ),
        )
        for label, cost in costs.items()
    ]
    head = (
        "questions/s, passages new",
        "questions/s, passages seen before",
        "of the first: making candidates",
        "passages embedded/s",
        "embedder load s",
        "evidence model load ms",
        "peak resident MB",
        "of which code and index MB",
    )
    note = (
        f"Evidence reading of {READ} passages (candidates, features, model), the median of {_QUESTIONS} of our policy questions; "
        f"the best of {_RUNS} runs on two cores that other work used at the same time. The service reads passages that it has "
        "seen before, save right after its start. Loading the embedder includes importing its libraries. float32 is what ships."
    )
    return Table(TIMES, head, tuple(rows), note)


def cost_section(work: Path, tasks: Sequence[Task]) -> Section:
    """Times, memory, sizes, and storage measured on `tasks`."""
    marks = {"embedder": weights(EMBEDDER), "evidence": weights(EVIDENCE)}
    folder_collection(DOCUMENTS, work / "policy-index")
    halved = work / "embedder-half"
    stored_as(half(_table()), halved)
    costs = {
        f"{cores} core{'s' if cores > 1 else ''}, {name}": measured_apart(work / "policy-index", cores, folder)
        for cores in (1, 2)
        for name, folder in ((FULL, EMBEDDER), (HALF, halved))
    }
    log.info("times done")
    tables = (times_table(costs), storage_table(tasks, work), sizes_table((EMBEDDER, EVIDENCE)))
    return Section("Cost", "", tables, marks)


def main() -> None:
    parser = argparse.ArgumentParser(description="prints what the bundled models cost on an index, as JSON")
    parser.add_argument("index", type=Path)
    parser.add_argument("cores", type=int)
    parser.add_argument("embedder", type=Path)
    arguments = parser.parse_args()
    sys.stdout.write(json.dumps(asdict(measure(arguments.index, arguments.cores, arguments.embedder))) + "\n")


if __name__ == "__main__":
    main()
