"""RAGEval, the DragonBall set (Zhu et al. 2024): key points of an answer and the sentences that carry them."""

from pathlib import Path

from eval import fields
from eval.bench.files import read_rows
from eval.bench.measures import ranking_scores, reference_recall, states
from eval.bench.record import Benchmark, BenchPassage, BenchQuestion, Reply
from eval.measures import citation_precision, mean

_TITLES = ("title", "company_name", "court_name", "hospital_patient_name")
_UNANSWERABLE = frozenset({"无关无解问", "Irrelevant Unsolvable Question"})


def read(queries: Path, corpus: Path, *, language: str = "zh") -> Benchmark:
    """The questions of one language on the documents of that language.

        corpus    {"doc_id", "content", "title" or the name of the company, court or patient, "language"} a line
        queries   {"query": {"query_id", "query_type", "content"}, "ground_truth": {"doc_ids", "content", "keypoints",
                  "references"}, "language"} a line

    A record without `language` counts as of this one. A reference is a text or a list that begins with one. Questions of the
    type 无关无解问 (Irrelevant Unsolvable Question), and those without a key point, have no answer.

    Raises:
        InputError: a file cannot be read, a line lacks something or names an unknown document (names the line and the
            field), or nothing is of this language.
    """
    passages = tuple(
        BenchPassage(row.name("doc_id"), row.optional(*_TITLES), row.text("content"))
        for row in read_rows(corpus)
        if row.values.get("language", language) == language
    )
    known = {passage.doc_id for passage in passages}
    questions = []
    for row in read_rows(queries):
        if row.values.get("language", language) != language:
            continue
        query, truth = row.row("query"), row.row("ground_truth")
        documents = [str(item) for item in truth.items("doc_ids")]
        if not known.issuperset(documents):
            raise fields.wrong(truth.place, "doc_ids", "documents of the corpus", truth.values["doc_ids"])
        points = fields.texts(truth.items("keypoints"), "keypoints", truth.place)
        is_answerable = bool(points) and query.optional("query_type") not in _UNANSWERABLE
        references = [item[0] if isinstance(item, list) and item else item for item in truth.items("references")]
        questions.append(
            BenchQuestion(
                query_id=query.name("query_id"),
                text=query.text("content"),
                relevant=dict.fromkeys(documents, 1) if is_answerable else {},
                facts=tuple((point,) for point in points) if is_answerable else (),
                evidence=fields.texts(references, "references", truth.place) if is_answerable else (),
                is_answerable=is_answerable,
            )
        )
    if not passages or not questions:
        empty = queries if passages else corpus
        raise fields.wrong(str(empty), "language", f"{language!r} in at least one record", "none")
    return Benchmark(passages, tuple(questions))


def score(reply: Reply, k: int) -> dict[str, float]:
    """Completeness without a judge, and what retrieval and citations are worth.

    completeness         share of the key points that the answer makes (`eval.bench.measures.states`, not a judge model)
    recall@k             share of the documents among the first k
    reference_recall@k   share of the reference sentences that one of the first k passages holds
    reference_precision  share of the quotes that are about a reference; 0 for an answer that cites nothing
    refused              a refusal; lower is better
    rejection            where nothing answers, instead of all these: a refusal
    """
    question = reply.question
    if not question.is_answerable:
        return {"rejection": float(reply.is_refusal)}
    scores = {"completeness": mean(states(point, reply.said, question.text) for (point,) in question.facts)}
    if question.relevant:
        recall = f"recall@{k}"
        scores[recall] = ranking_scores(question.relevant, reply.ranked, k)[recall]
    if question.evidence:
        texts = [found.text for found in reply.found[:k]]
        scores[f"reference_recall@{k}"] = reference_recall(question.evidence, texts)
        scores["reference_precision"] = citation_precision(question.evidence, reply.quotes)
    return scores | {"refused": float(reply.is_refusal or reply.error is not None)}
