"""What the report calls things, in the Chinese of those who read it."""

from collections.abc import Mapping

from eval.saved import Outcome

MEASURE_GROUPS: Mapping[str, Mapping[str, str]] = {
    "回答": {
        "right": "答对（或该拒而拒）",
        "all_facts": "必需事实齐全",
        "fact_recall": "必需事实的比例",
        "no_forbidden": "没有出现错误数字",
        "exact_match": "首句即标准答案",
        "character_f1": "首句与标准答案的字符 F1",
    },
    "引文": {
        "quotes_stand": "引文确实见于原文",
        "sentences_supported": "句子通过核对",
        "citation_precision": "引文切题（已作答的题）",
        "citation_precision_all": "引文切题（拒答计 0）",
        "citation_recall": "依据被引到",
    },
    "拒答": {
        "answerable_refused": "有答案而误拒（越低越好）",
        "unanswerable_refused": "无答案而拒答",
        "refusal_precision": "拒答确属无答案",
    },
    "检索": {
        "evidence_recall@1": "依据在第 1 段",
        "evidence_recall@3": "依据在前 3 段",
        "evidence_recall@5": "依据在前 5 段",
        "evidence_recall@10": "依据在前 10 段",
        "ndcg@10": "nDCG@10",
        "mrr@10": "首个依据名次的倒数（MRR@10）",
    },
}
"""Heading → measure → its name; the earlier stages of retrieval stand in the curves."""

MEASURES: Mapping[str, str] = {
    measure: name for measures in MEASURE_GROUPS.values() for measure, name in measures.items()
}
STAGES: Mapping[str, str] = {"lexical.": "词语检索", "dense.": "向量检索", "fused.": "合并", "": "阅读之后"}
"""Prefix of a stage's measures → its name, in the order of the pass."""

TYPES: Mapping[str, str] = {
    "fact": "事实",
    "number": "数字",
    "date": "日期",
    "entity": "名称",
    "list": "清单",
    "definition": "定义",
    "reason": "原因",
    "comparison": "比较",
    "summary": "概括",
    "unanswerable": "无答案",
}
STYLES: Mapping[str, str] = {
    "plain": "直问",
    "keyword": "关键词",
    "paraphrase": "换说法",
    "colloquial": "口语",
    "noisy": "有错字",
}
PARTS: Mapping[str, str] = {"development": "开发集", "release": "发布集", "all": "全部"}
ANSWERABLE: Mapping[str, str] = {"answerable": "有答案", "unanswerable": "无答案"}
OUTCOMES: Mapping[Outcome, str] = {
    Outcome.RIGHT: "答对",
    Outcome.REFUSED_RIGHTLY: "该拒已拒",
    Outcome.WRONG: "有误",
    Outcome.ANSWERED_WRONGLY: "该拒未拒",
    Outcome.REFUSED_WRONGLY: "误拒",
    Outcome.FAILED: "失败",
}
FIELDS: Mapping[str, str] = {
    "version": "程序版本",
    "gold": "标准问题",
    "index": "索引",
    "prompt": "措辞模板",
    "models": "模型",
    "code": "代码",
    "settings": "设置",
    "part": "题目范围",
    "sample": "抽样题数",
    "timeout_s": "每题限时（秒）",
}
"""Field of a run's header → its name, in the order shown."""

VERDICTS: Mapping[str, str] = {"right": "对", "wrong": "错", "unscored": "未评"}


def measure_name(measure: str) -> str:
    """The name of any measure, those of the earlier stages included."""
    for prefix, stage in STAGES.items():
        if prefix and measure.startswith(prefix):
            return f"{stage}：{MEASURES[measure.removeprefix(prefix)]}"
    return MEASURES[measure]


def share(value: float) -> str:
    """A share as a percentage."""
    return f"{100 * value:.1f}%"
