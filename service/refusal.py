"""When not to answer, and why."""

from service.evidence import LEADING, Reading, is_about
from service.question import Kind, Question

# Share of the question's weighted words from which on evidence counts as near in what a refusal says.
_NEAR = 0.35
# A question for a figure or a time is refused when none of so many best pieces holds one, however near they come; one for
# somebody's name when the best piece withholds it, as 某公司 does.
_LOOKED_AT = {Kind.NUMBER: 2, Kind.DATE: 1, Kind.ENTITY: 1}
# So many of the words that no document holds are named.
_NAMED = 3


def refusal_reason(question: Question, reading: Reading) -> str | None:
    """Why the question cannot be answered from what was read, in Chinese; None when it can.

    The decision is the evidence model's, the probability that the question is answered against its calibrated threshold; a
    figure or name that is asked for must stand in the best evidence besides. The reason is read off the best evidence.
    """
    if not reading.evidence:
        return "没有检索到与问题相关的段落"
    leading = reading.evidence[:LEADING]
    fitting = [piece for piece in leading if piece.conflict is None]
    if not is_about(reading.evidence):
        return "检索到的段落与所问事项关联不足"
    looked_at = _LOOKED_AT.get(question.kind, 0)
    lacks_kind = looked_at > 0 and not any(piece.has_kind for piece in fitting[:looked_at])
    lacks_kind |= bool(fitting) and fitting[0].is_withheld
    if fitting and reading.answered >= reading.threshold and not lacks_kind:
        return None
    if leading[0].conflict is not None:
        return f"相关段落说的是{leading[0].conflict.said}，没有涉及{leading[0].conflict.asked}"
    if reading.unknown:
        return "收录的文件中没有提到" + "".join(f"“{word}”" for word in reading.unknown[:_NAMED])
    if lacks_kind or not any(piece.has_kind for piece in fitting):
        return "相关段落没有给出所问的" + _ASKED.get(question.kind, "内容")
    if max(piece.coverage for piece in leading) < _NEAR:
        return "检索到的段落与所问事项关联不足"
    return "相关段落谈到了这一主题，但没有写明所问的" + _ASKED.get(question.kind, "内容")


_ASKED = {
    Kind.NUMBER: "数字",
    Kind.DATE: "日期",
    Kind.PLACE: "地点",
    Kind.ENTITY: "名称",
    Kind.NAME: "名称",
    Kind.REASON: "原因",
    Kind.DEFINITION: "定义",
}
