"""Proper names of a sentence that its source does not hold."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import rjieba

from indexer.text import squeeze
from service.places import places


def _words_of(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_QUOTED = re.compile(r"《([^《》]+)》|“([^“”]+)”|\"([^\"]+)\"|「([^「」]+)」|『([^『』]+)』|‘([^‘’]+)’")
_LATIN = re.compile(r"[a-z][a-z0-9]*(?:[.+#/&_-][a-z0-9]+)*[+#]*")
_RUN = re.compile(r"[\u3400-\u9fff]+")
# What ends the name of an organisation, a place or a work.
_ORGANISATIONS = _words_of(
    "公司 集团 局 委 委员会 部 厅 研究院 研究所 研究会 院 所 中心 大学 学院 银行 协会 学会 商会 联盟 联合会 基金 基金会 医院 中学 小学 学校 "
    "幼儿园 法院 检察院 公安 报社 出版社 实验室 工作室 办公室 指挥部 领导小组 科技 股份 证券 保险 重工 制药 传媒"
)
_PLACES = _words_of(
    "园区 开发区 新区 园 市 县 区 镇 乡 村 省 州 港 河 江 湖 海 岛 山 路 街 街道 大街 大道 巷 桥 站 馆 码头 水库 机场 广场 大厦 社区 小镇 小区 公园 基地 灯塔 港区 港口 林场 农场 "
    "渔场 隧道 车站 体育场 剧院 博物馆 图书馆 美术馆 平台 工程 计划 行动 大会 论坛 峰会 展会 大赛 系统 模型 芯片 大桥 水厂 电厂 电站 水电站 病 奖 节 链 云 号"
)
_SUFFIXES = tuple(sorted({*_ORGANISATIONS, *_PLACES}, key=len, reverse=True))
_LONG_SUFFIXES = tuple(suffix for suffix in _SUFFIXES if len(suffix) > 1)
_TITLES = _words_of(
    "局长 主任 市长 县长 省长 镇长 书记 部长 院长 所长 校长 教授 博士 院士 研究员 工程师 经理 总裁 董事长 主席 秘书长 会长 馆长 记者 学者 医生 先生 女士 专家 负责人 代表"
)
# Words of report and of grammar that a sentence may add to what its source says.
_FREE = frozenset(
    _words_of(
        "据 据介绍 据了解 据悉 介绍 了解 悉 显示 表明 报告 指出 提出 提到 认为 说明 文件 资料 材料 原文 文中 通知 方案 办法 规定 要求 内容 情况 方面 总体 具体 主要 相关 有关 其中 此外 另外 同时 目前 截至 根据 按照 合计 共计 总计 总共 一共 累计 "
        "金额 总额 数额 数量 总量 规模 数值 数据 比例 占比 比重 时间 日期 时限 期限 地点 名称 项目 单位 部门 机构 企业 公司 地区 城市 原因 目的 目标 措施 包括 包含 涉及 分别 以及 并且 因此 所以 由于 因为 为了 通过 对于 关于 方式 "
        "问题 答案 结果 水平 程度 部分 全部 总数 整体 范围 对象 人员 成员 数 额 者 年份 当年 当时 当地 该 本 这 那 各 全 某 其 上述 所在 同 每 两 多 几 一 如下 以下 以上 上文 下文 即 也即 也就是说 换言之 总的来说 简言之 值得注意的是 需要说明的是 "
        "此项 该项 这项 一项 一个 一种 这个 这些 那些 它们 他们 双方 两者 二者 前者 后者 年度 期间 之后 之前 以来 过程 工作"
    )
)
_GRAMMAR = frozenset(
    "的了着过是在和与及或被把将对向从到至为以于由给让跟就都也还又再并且而但则所其之该这那各共达有等中上下内外前后时间经按据称即约计为作成会可能要应须需及等个些每均约仅只当可使令比较更很最底末初起余额量数值"
)
_NOUN_TAGS = ("n", "x", "j", "s", "zg", "eng", "g")
_NAME_TAGS = ("nr", "ns", "nt", "nz")
_CONTEXT = 2
_LONGEST_REPLACED = 12


@dataclass(frozen=True)
class _Word:
    """A word of a run of Chinese characters; `new` are its characters that no pair of characters of the source
    covers.
    """

    text: str
    tag: str
    start: int
    new: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def is_new(self) -> bool:
        return bool(self.new) and self.text not in _FREE and not set(self.new) <= _GRAMMAR

    @property
    def is_unknown(self) -> bool:
        """Whether all of it is new, so that it may be part of a name, whatever it is elsewhere."""
        return self.is_new or self.new == self.text


def missing_name(sentence: str, source: str) -> str | None:
    """The first name in a folded sentence that its folded source lacks; None when there is none.

    Names are titles and quoted terms, words in Latin letters, listed places, and Chinese words that are new against
    the source and either look like a name (by the tagger's dictionary or a suffix such as 公司) or stand where the
    source has another noun.
    """
    squeezed = squeeze(source)
    for match in _QUOTED.finditer(sentence):
        quoted: str = next(group for group in match.groups() if group)
        if squeeze(quoted) not in squeezed:
            return quoted
    known = {part for word in _LATIN.findall(source) for part in (word, *re.findall(r"[a-z]+|[a-z]+\d+", word))}
    latin: list[str] = _LATIN.findall(sentence)
    for word in latin:
        if word not in known and squeeze(word) not in known:
            return word
    for place in sorted(places(sentence)):
        if place not in squeezed:
            return place
    return next(_new_names(sentence, source), None)


def _new_names(sentence: str, source: str) -> Iterator[str]:
    pairs = {source[i : i + 2] for i in range(len(source) - 1)}
    for run in _RUN.finditer(sentence):
        words = _words(run.group(), pairs)
        for i, word in enumerate(words):
            if not word.is_new:
                if _is_seam(words, i) and run.group()[word.end - 1 : word.end + 1] not in pairs:
                    yield word.text + words[i + 1].text
                continue
            looks_like_name = word.tag.startswith(_NAME_TAGS) and len(word.text) > 1
            if (
                looks_like_name
                or _ends_name(words, i)
                or _is_titled(words, i)
                or _replaces(run.group(), words, i, source)
            ):
                yield word.text


def _words(run: str, pairs: set[str]) -> list[_Word]:
    covered = [False] * len(run)
    for i in range(len(run) - 1):
        if run[i : i + 2] in pairs:
            covered[i] = covered[i + 1] = True
    words = []
    at = 0
    for text, tag in rjieba.tag(run):
        new = "".join(char for char, is_covered in zip(text, covered[at:], strict=False) if not is_covered)
        words.append(_Word(text, tag, at, new))
        at += len(text)
    return words


def _ends_name(words: list[_Word], i: int) -> bool:
    """Whether a suffix of names closes the word or one of the two nouns behind it."""
    word = words[i]
    if word.text.endswith(_SUFFIXES) and len(word.text) > 2 and word.text not in _SUFFIXES:
        return True
    for other in words[i + 1 : i + 4]:
        if other.text in _SUFFIXES or (other.text.endswith(_SUFFIXES) and len(other.text) > 1):
            strong = other.text.endswith(_ORGANISATIONS)
            return not word.tag.startswith(("p", "c", "u", "r", "d", "f", "m", "q")) and (
                strong or not word.tag.startswith("v")
            )
        if not other.tag.startswith((*_NOUN_TAGS, "b", "a", "vn")):
            return False
    return False


def _is_seam(words: list[_Word], i: int) -> bool:
    """Whether a noun meets a suffix here: 枫桥市 may be new where the source has 枫桥镇 and 沙洲市, so 枫桥 and 市."""
    word, behind = words[i], "".join(other.text for other in words[i + 1 : i + 2])
    is_noun = len(word.text) > 1 and word.tag.startswith(_NOUN_TAGS) and word.text not in _FREE
    return is_noun and behind in _SUFFIXES and not word.text.endswith(_LONG_SUFFIXES)


def _is_titled(words: list[_Word], i: int) -> bool:
    """Whether the word is part of a name in front of or behind a title such as 局长."""
    behind = "".join(word.text for word in words[i + 1 : i + 3])
    before = "".join(word.text for word in words[max(0, i - 2) : i])
    return len(words[i].text) <= 3 and (behind.startswith(_TITLES) or before.endswith(_TITLES))


def _replaces(run: str, words: list[_Word], i: int, source: str) -> bool:
    """Whether the source has another noun between the same neighbours."""
    first = last = i
    while first and words[first - 1].is_unknown:
        first -= 1
    while last + 1 < len(words) and words[last + 1].is_unknown:
        last += 1
    start, end = words[first].start, words[last].end
    theirs = _between(run, start, end, source)
    while end - start > 1 and run[end - 1] in _GRAMMAR:  # 于 of 张三于…
        end -= 1
    theirs += _between(run, start, end, source)
    return any(
        any(tag.startswith(_NOUN_TAGS) for _, tag in (*rjieba.tag(run[start:end]), *words_there))
        and not all(text in _FREE for text, _ in words_there)
        for words_there in map(rjieba.tag, theirs)
    )


def _between(run: str, start: int, end: int, source: str) -> list[str]:
    """What the source has between the neighbours that `run[start:end]` has; nothing when it has no neighbours."""
    left, right = run[max(0, start - _CONTEXT) : start], run[end : end + _CONTEXT]
    if not left and not right:
        return []
    before = re.escape(left) if left else r"(?<![\u3400-\u9fff])"
    behind = re.escape(right) if right else r"(?![\u3400-\u9fff])"
    return re.findall(rf"(?={before}([\u3400-\u9fffa-z]{{1,{_LONGEST_REPLACED}}}?){behind})", source)
