"""When not to answer, and why."""

from service.evidence import Reading
from service.question import Kind, Question

# Share of the question's weighted words that the best evidence and its surroundings must hold. Chosen on the development
# questions so that few answerable ones fall under it; the calibrated decision needs a trained reader.
MIN_COVERAGE = 0.1
# How close to the best evidence another piece must come to stand in for it.
MIN_SHARE = 0.8
_LEADING = 12


def refusal_reason(question: Question, reading: Reading) -> str | None:
    """Why the question cannot be answered from what was read, in Chinese; None when it can."""
    if not reading.evidence:
        return "没有检索到与问题相关的段落"
    best = reading.evidence[0]
    if best.coverage < MIN_COVERAGE:
        return "检索到的段落与所问事项关联不足"
    near_best = [piece for piece in reading.evidence[:_LEADING] if piece.score >= MIN_SHARE * best.score]
    is_measured = question.kind in (Kind.NUMBER, Kind.DATE)
    able = [piece for piece in near_best if piece.has_kind or not is_measured]
    if any(piece.conflict is None for piece in able):
        return None
    conflict = next((piece.conflict for piece in able), None)
    if conflict is not None:
        return f"相关段落说的是{conflict.said}，没有涉及{conflict.asked}"
    return "相关段落没有给出所问的" + ("数字" if question.kind is Kind.NUMBER else "日期")
