"""`python -m training.report`: measures the models of `models/` and writes `training/RESULTS.md`.

Every section is measured apart; what was measured stays in `build/training/results.json`, so that `--only` renews one
section and the page still holds the others. `training.cards` takes its figures from there.
"""

import argparse
import logging
from pathlib import Path

from indexer.embedder import SentenceTransformerEmbedder
from models import EMBEDDER
from training import results
from training.config import Recipe
from training.measure_cost import cost_section
from training.measure_evidence import evidence_section
from training.measure_reader_gain import gain_section
from training.measure_reading import reading_section
from training.measure_retrieval import retrieval_section, stard, webqa
from training.results import Section

log = logging.getLogger("training.report")

SECTIONS = ("retrieval", "evidence", "reading", "gain", "cost")
RESULTS_FILE = "results.json"
_INTRODUCTION = (
    "Made by `python -m training.report`; nothing here is written by hand. In brackets: 95 % bootstrap intervals over "
    "questions; differences are paired. STARD, WebQA and cail2019_test are benchmarks and took no part in training; of the "
    "release part of the gold questions only means are shown."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds reading/ and benchmarks/")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="where `prepare` wrote")
    parser.add_argument("--root", type=Path, default=Path(), help="folder that holds corpus/, eval/gold/ and docs/")
    parser.add_argument("--reader", type=Path, help="span reader to measure, as `finetune --stage export` wrote it")
    parser.add_argument("--only", choices=SECTIONS, help="measure one section anew and keep the others")
    parser.add_argument("--limit", type=int, help="first questions of each benchmark only, to try the report out")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    store = arguments.work / RESULTS_FILE
    kept = results.load(store) if store.is_file() else {}
    for name in SECTIONS if arguments.only is None else (arguments.only,):
        kept[name] = section(name, arguments.data, arguments.work, arguments.root, arguments.reader, arguments.limit)
        results.save(store, kept)
        page = results.page(_INTRODUCTION, kept, SECTIONS)
        (arguments.root / "training" / "RESULTS.md").write_text(page, encoding="utf-8")
        log.info("section %s written", name)


def section(name: str, data: Path, work: Path, root: Path, reader: Path | None, limit: int | None) -> Section:
    """One section, measured; `limit` cuts the benchmarks short, None takes them whole."""
    scratch = work / "report"
    if name == "retrieval":
        return retrieval_section(data, scratch, root, limit)
    if name == "evidence":
        return evidence_section(scratch, root, root / "docs" / "risk-coverage.svg", Recipe().evidence)
    if name == "reading":
        return reading_section(data, work, reader, 500 if limit is None else limit)
    if name == "gain":
        return gain_section(scratch, root, reader, Recipe().evidence)
    embedder = SentenceTransformerEmbedder(str(EMBEDDER))
    return cost_section(scratch, [stard(data, embedder, limit), webqa(data, embedder, limit)])


if __name__ == "__main__":
    main()
