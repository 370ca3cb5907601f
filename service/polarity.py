"""Negations of Chinese text, each with the word that it negates, and whether a sentence turns one round."""

import re
from collections.abc import Sequence

import rjieba

# Longer cues first; behind them, words that only look like one.
_CUE = re.compile(
    r"(?:不再|不予|不得|不会|不能|不可|不用|不必|不曾|不许|不准|不宜|不应|不须|不需|从未|尚未|未曾|未能|未予|没有|并非|绝非|无须|无需|无权|严禁|禁止|停止|暂停|中止|终止|取消|撤销|废止|拒绝|驳回|否决|反对"
    r"|杜绝|防止|避免|免于|免除|免收|免征|不(?![断仅但只少同论管过久足锈动良满到妨如惜料时测]|超|[低高多少大小]于|得[低高多少大小超不])|未(?![来满知成央必雨])"
    r"|没(?![收落])|无(?![人线锡论偿形疑缝障棣为极机纸忧穷限愧])|非(?![常洲遗物税凡])|勿|莫(?![斯高]))"
)
# Words between a cue and what it negates.
_THROUGH_WORDS = "再 曾 曾经 被 予 予以 以 会 能 能够 得 得到 要 应 应当 该 可 可以 必 必须 向 对 把 将 给 出现 发生 进行 任何 继续 实行 实施 开展 所有 一切 了 过 的 地 又 还 随意 擅自 再次"
_THROUGH = frozenset(_THROUGH_WORDS.split())
_CLAUSES = re.compile(r"[,，;；。!！?？:：\n|\t]")
_REACH = 6
_OPPOSITES = (
    (
        "增长 增加 上升 提高 提升 上涨 扩大 增幅 升高 增至 升至",
        "下降 减少 降低 下跌 下滑 缩小 缩减 回落 降幅 跌幅 降至 减至",
    ),
    ("允许 准许 可以 批准 同意 通过 支持 鼓励", "禁止 严禁 不准 不许 不得 不予 拒绝 驳回 否决 反对"),
    ("开始 启动 恢复 继续 新设 设立", "停止 暂停 终止 中止 取消 撤销 废止"),
    ("高于 超过 以上 最多 领先 优于", "低于 不足 以下 最少 落后 劣于"),
    ("有 具备 存在", "没有 无 缺乏 不存在"),
    ("最高 最大 最早 首次", "最低 最小 最晚 末次"),
    ("收费 有偿 强制", "免费 无偿 自愿"),
    ("合格 达标 有效 施行 成功 公开", "不合格 超标 无效 废止 失效 失败 保密"),
)


def turned(sentence: str, source: str) -> str | None:
    """The words of a folded sentence that its source says with the opposite sign; None when there are none.

    Both ways: a negation of the sentence must stand in the source before the same word, and a word that the source
    negates, in the clause that comes closest, must be negated in the sentence.
    """
    theirs = _CLAUSES.split(source)
    for clause in filter(None, _CLAUSES.split(sentence)):
        for cue, word in _negated(clause):
            holding = [other for other in theirs if word in other]
            if not holding:
                # The negated words are not there like this: then the very cue has to be.
                if cue not in source:
                    return cue + word
                continue
            closest = _closest(clause, holding)
            if not any(True in _polarities(other, word) for other in closest):
                return cue + word
        for other in theirs:
            for cue, word in _negated(other):
                if word not in clause or True in _polarities(clause, word):
                    continue
                closest = _closest(clause, [clause_ for clause_ in theirs if word in clause_])
                if not any(False in _polarities(clause_, word) for clause_ in closest):
                    return f"{word}, which the source negates ({cue})"
        opposite = _opposite(clause, theirs)
        if opposite:
            return opposite
    return None


def _negated(clause: str) -> list[tuple[str, str]]:
    """(cue, negated words) of a clause: a single character with the word behind it, which tells it from others."""
    found = []
    for match in _CUE.finditer(clause):
        words = [word for word in rjieba.cut(clause[match.end() :]) if re.match(r"\w", word)]
        while len(words) > 1 and words[0] in _THROUGH:
            words.pop(0)
        if words:
            found.append((match.group(), "".join(words[: 2 if len(words[0]) == 1 else 1])))
    return found


def _polarities(clause: str, word: str) -> list[bool]:
    """For each occurrence of the word whether a cue stands close before it."""
    found = []
    for match in re.finditer(re.escape(word), clause):
        before = clause[max(0, match.start() - _REACH) : match.start()]
        cues = _CUE.finditer(before + clause[match.start() : match.start() + 1])
        found.append(any(cue.end() + 4 >= len(before) and cue.start() < len(before) for cue in cues))
    return found


def _closest(clause: str, others: Sequence[str]) -> list[str]:
    """Those of the other clauses that share the most pairs of characters with this one."""
    own = _pairs(clause)
    shared = [len(own & _pairs(other)) for other in others]
    return [other for other, count in zip(others, shared, strict=True) if count == max(shared)]


def _pairs(text: str) -> set[str]:
    text = re.sub(r"\W", "", _CUE.sub("", text))
    return {text[i : i + 2] for i in range(len(text) - 1)}


def _opposite(clause: str, theirs: Sequence[str]) -> str | None:
    """A word of the clause for which the closest clause of the source has an opposite and not the word itself."""
    for pair in _OPPOSITES:
        for ours, others in (pair, pair[::-1]):
            for word in ours.split():
                if len(word) < 2 or word not in clause or any(word in other for other in theirs):
                    continue
                for other in _closest(clause, theirs):
                    same = any(alike in other for alike in ours.split() if len(alike) > 1)
                    against = next((x for x in others.split() if len(x) > 1 and x in other and x not in clause), None)
                    if against and not same:
                        return f"{word}, where the source says {against}"
    return None
