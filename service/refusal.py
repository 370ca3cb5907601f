"""When not to answer, and why."""

from indexer.retrieval import Library
from indexer.text import fold
from service.evidence import Reading
from service.question import Kind, Question

# Share of the question's weighted words that the best evidence and its surroundings must hold. Chosen on the development
# questions so that few answerable ones fall under it; the calibrated decision needs a trained reader.
MIN_COVERAGE = 0.1


def refusal_reason(question: Question, reading: Reading, library: Library) -> str | None:
    """Why the question cannot be answered from what was read, in Chinese; None when it can."""
    if not reading.evidence:
        return "没有检索到与问题相关的段落"
    best = reading.evidence[0]
    if best.coverage < MIN_COVERAGE:
        return "检索到的段落与所问事项关联不足"
    if question.years and not any(year in _surroundings(reading, library) for year in question.years):
        return f"相关段落没有涉及{'、'.join(question.years)}年"
    near_best = [piece for piece in reading.evidence[:8] if piece.score >= 0.75 * best.score]
    if question.kind in (Kind.NUMBER, Kind.DATE) and not any(piece.has_kind for piece in near_best):
        return "相关段落没有给出所问的" + ("数字" if question.kind is Kind.NUMBER else "日期")
    return None


def _surroundings(reading: Reading, library: Library) -> str:
    """Folded text of the passages that the leading evidence stands in, with what dates them."""
    parts = []
    for hit in reading.hits[:5]:
        document = library.document(hit.passage.doc_id)
        parts += [document.title, document.metadata.published, document.metadata.period, *hit.passage.section]
        parts.append(document.text[hit.passage.start : hit.passage.end])
    return fold("\n".join(parts))
