"""`python -m training.cards`: writes the model card of every folder in `models/`.

Sizes and hashes come from the files, the numbers of the recipe from `training.config`, scores from what the report measured;
what a model is, what it learned from and where it fails is said here.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import InputError, ZhengwenError
from service.evidence_model import EvidenceModel
from service.features import NAMES
from training import results
from training.config import Recipe
from training.measure_evidence import ANSWERED, CHOICE, GOLD, MODEL, OVERLAP, POLICY
from training.measure_retrieval import BM25, BUNDLED, FITTED
from training.policy import CHOOSING, DOCUMENTS, READING, policy_questions
from training.report import RESULTS_FILE
from training.results import Results, Row, Table

CARD = "README.md"


@dataclass(frozen=True)
class Source:
    """A data set: the path under the data folder, what was taken from it, and whose it is."""

    path: str
    use: str
    rights: str


EMBEDDER_SOURCES = (
    Source(
        "prose/xwlb", "start; headline → body", "CCTV evening news, text © CCTV; collections by DuckBurnIncense, yuekcc"
    ),
    Source(
        "prose/crud_rag",
        "start; first sentence → rest; clozes",
        "CRUD_RAG, Apache-2.0; the news belongs to its outlets",
    ),
    Source("prose/laws", "start; chapter or sentence → article", "LawRefBook; statutes are free of copyright in China"),
    Source("prose/lctt", "start", "LCTT/TranslateProject, Apache-2.0; the articles have terms of their own"),
    Source("reading/squad2_zh_dev", "question → passage", "ChineseSquad, after SQuAD 2.0, CC BY-SA 4.0"),
    Source("reading/cail2019_dev", "question → passage", "CAIL 2019, court records; the data names no licence"),
    Source("reading/drcd_dev", "question → passage", "DRCD, CC BY-SA 3.0"),
    Source("reading/cmrc2018_trial", "question → passage", "CMRC 2018, CC BY-SA 4.0"),
    Source("reading/security_news_train", "question → passage", "no licence stated"),
    Source("pairs/ncp_policy_qa", "question → answer", "competition data, no licence stated"),
    Source("pairs/tpe_gov_faq", "question → answer", "open government data of Taipei"),
    Source("pairs/sentence_pairs", "same meaning", "AFQMC, ATEC, LCQMC, BQ, OPPO, PAWS-X; research use"),
)


def embedder_card(folder: Path, data: Path, found: Results) -> str:
    """The card of the embedder.

    Raises:
        InputError: a source is not where the data should be, or the scores are of other weights.
    """
    recipe = Recipe().embed
    for source in EMBEDDER_SOURCES:
        if not (data / f"{source.path}.jsonl.xz").is_file():
            raise InputError(f"the card names the data set {source.path}, but {data} lacks it: give the data folder")
    _check_weights(found, "embedder", folder)
    rows = [
        Row(table.title.split(" (")[0], tuple(table.cell(label, "recall@10") for label in (BM25, FITTED, BUNDLED)))
        for table in found["retrieval"].tables
    ]
    scores = Table("Recall@10 of the dense leg alone", ("BM25", "fitted on the passages", "this model"), tuple(rows))
    return "\n\n".join(
        (
            "# Embedder",
            f"A static embedding: a vector of {recipe.dimensions} numbers for each of at most {recipe.vocabulary:,} Chinese "
            "words and characters, averaged over a text and scaled to length 1. Questions, passages and single words share one "
            "space. It is a SentenceTransformer without a network: no attention, no word order, thousands of passages a second "
            "on one core. The service uses it for the dense leg of retrieval and for the features of the evidence model.",
            "## Recipe",
            f"1. *Start*: co-occurrence (positive pointwise mutual information, truncated SVD) over {recipe.fit_characters:,} "
            "characters of prose, words weighed down by how frequent they are.\n"
            f"2. *Training*: {recipe.steps:,} batches of {recipe.rows} pairs from one source each, contrastive loss with the "
            f"other pairs of the batch as negatives, temperature {recipe.temperature:g}, Adam at {recipe.rate:g} falling to 0.\n\n"
            "About three minutes for the start and eight for the training on two CPU cores; no accelerator, no pretrained "
            "weights. To make it again: `training/README.md`.",
            "## Data",
            "Of the reading sets only the nine tenths that are not held back for measuring; of the sentence pairs none of the "
            "test parts. The benchmarks STARD and WebQA took no part; STARD's articles are statutes, and statutes stand in "
            "`prose/laws` as text. None of the project's own questions was used.",
            _sources(EMBEDDER_SOURCES),
            "The weights are published under the project's licence (Apache-2.0). Rights in the data differ: some sets state no "
            "licence, one is for research, some texts belong to their outlets. Look at the column before you build on the "
            "weights commercially. To leave a set out, take it out of `training/pairs.py` and train anew.",
            _section(scores, "More, with intervals for every depth: `training/RESULTS.md`."),
            "## Limits",
            "- Alone it is no retriever: compare the column of BM25. It is fused with a small weight.\n"
            "- It knows the words of modern news, statutes and technical prose. Rare names fall apart into characters.\n"
            "- Negation, order and figures leave hardly a trace in an average of words.\n"
            "- Chinese only; other scripts in single characters.",
            _files(folder),
        )
    )


def evidence_card(folder: Path, found: Results) -> str:
    """The card of the evidence model.

    Raises:
        InputError: the scores are of other weights.
        ModelError: there is no model at `folder`.
    """
    recipe, model = Recipe().evidence, EvidenceModel.load(folder)
    _check_weights(found, "evidence", folder)
    asked = [question for path in (READING, CHOOSING) for question in policy_questions(path)]
    documents = len(list(DOCUMENTS.glob("*.md")))
    choice, answered = found["evidence"].table(CHOICE), found["evidence"].table(ANSWERED)
    rows = [
        Row(
            f"{name}: {method}",
            (
                choice.cell(f"{name}: {method}", "is evidence"),
                choice.cell(f"{name}: {method}", "states all facts"),
                answered.cell(f"{name}: {method}", "AUC"),
            ),
        )
        for name in (POLICY, GOLD)
        for method in (OVERLAP, MODEL)
    ]
    scores = Table(
        "Best candidate, and answered against near misses",
        ("best is evidence", "best states all facts", "AUC answered"),
        tuple(rows),
    )
    return "\n\n".join(
        (
            "# Evidence model",
            f"Which sentence, list, table row or heading with its children answers a question, and whether any does: a linear "
            f"model over {len(NAMES)} features of question and candidate (`service/features.py`). Most say how much of the "
            "question's weight in words stands in the candidate, its neighbours and its headings; others compare meaning by the "
            "vectors of the embedder, the kind of answer asked for, years and places. Candidates of a question compete in a "
            "softmax (conditional logit); a logistic function of the best candidate's features, the highest scores and what the "
            "leading candidates have in common gives the probability that the question is answered. Linear, so its weights can "
            "be read: `training/RESULTS.md` lists the largest.",
            "## Recipe",
            f"Conditional logit by L-BFGS, penalty {recipe.penalty:g} on the squared weights; logistic regression with C = "
            f"{recipe.strength:g} on scores that models without the question's document gave ({recipe.folds} folds over "
            "documents), weighted so that questions for a figure, date or name are answered as often as all others. "
            f"The threshold {model.threshold:.3f} is the probability under which {recipe.refused:.0%} of the "
            "answerable questions fall in those folds. Minutes on one CPU core, most of it for the features. To make it again: "
            "`python -m training.evidence`.",
            "## Data",
            f"{len(asked)} questions ({sum(not question.is_answerable for question in asked)} near misses without an answer) on "
            f"{documents} policy documents. Both were written for this project, are part of it (`training/policy_questions/`) "
            "and stand under its licence (Apache-2.0), as the weights do. The vectors that some features use are those of "
            "`models/embedder`; see its card for what that learned from. The gold questions of the project took no part in the fitting; "
            "settings such as the penalty were chosen with their development part in view.",
            _section(
                scores,
                "Our policy questions: by models that have not seen the question's document. More: `training/RESULTS.md`.",
            ),
            "## Limits",
            "- The documents it learned from are invented and tidy; scanned or badly laid out ones lie further off.\n"
            "- It weighs one candidate at a time: what follows only from two places together is not recognised.\n"
            "- Near misses that share every word with the question, but for one figure or condition, still pass for answers; "
            "the probability is calibrated for a share of near misses like that of the training questions.\n"
            "- It needs the embedder it was trained with. Another one for retrieval is fine.",
            _files(folder),
        )
    )


def _check_weights(found: Results, name: str, folder: Path) -> None:
    """Raises InputError unless the scores are of the weights in the folder."""
    for section in ("retrieval", "evidence"):
        measured = found[section].models.get(name) if section in found else None
        if measured != results.weights(folder):
            raise InputError(
                f"the section {section!r} was measured with {measured or 'nothing'}, but {folder} holds "
                f"{results.weights(folder)}: run 'python -m training.report --only {section}'"
            )


def _sources(sources: Sequence[Source]) -> str:
    lines = ["| set | what for | rights |", "|---|---|---|"]
    lines.extend(f"| {source.path} | {source.use} | {source.rights} |" for source in sources)
    return "\n".join(lines)


def _section(table: Table, note: str) -> str:
    return results.markdown(table).replace("###", "##", 1) + "\n\n" + note


def _files(folder: Path) -> str:
    """Bytes and sha256 of every file but the card."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != CARD]
    size = sum(path.stat().st_size for path in paths)
    lines = [
        f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}"
        for path in paths
    ]
    return "\n".join((f"## Files\n\n{size:,} bytes.\n\n```", *lines, "```"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds prose/, reading/ and pairs/")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="where `report` left its results")
    parser.add_argument("--models", type=Path, default=Path("models"))
    arguments = parser.parse_args()
    try:
        found = results.load(arguments.work / RESULTS_FILE)
        embedder, evidence = arguments.models / "embedder", arguments.models / "evidence"
        (embedder / CARD).write_text(embedder_card(embedder, arguments.data, found) + "\n", encoding="utf-8")
        (evidence / CARD).write_text(evidence_card(evidence, found) + "\n", encoding="utf-8")
    except ZhengwenError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
