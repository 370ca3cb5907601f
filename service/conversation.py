"""Follow-ups: a question that leans on the conversation, put so that it stands alone.

Rules, each for one way in which people leave things out; a question that leans on nothing comes back as it is, and one that
leans in a way no rule knows gets the question before it in front.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import rjieba

from service.fields import typed
from service.figures import parse_number
from service.names import phrases
from service.places import spans

# How far back a chain of follow-ups may lean, and how much of one message is looked at.
_ROUNDS = 6
_CHARACTERS = 300


@dataclass(frozen=True)
class Turn:
    """One earlier message of a conversation; `role` is `user` or `assistant`."""

    role: str
    content: str


def turns(row: object, where: str) -> tuple[Turn, ...]:
    """The `history` of a JSON object, oldest first.

    Raises:
        InputError: it is none; names the first field that is wrong.
    """
    found = []
    for i, turn in enumerate(typed(row, "history", list, where)):
        place = f"{where}.history[{i}]"
        found.append(Turn(typed(turn, "role", str, place), typed(turn, "content", str, place)))
    return tuple(found)


@dataclass(frozen=True)
class _Round:
    """A question that stands alone, and what was answered."""

    question: str
    answer: str


_END = re.compile(r"[\s？?。！!，,；;~～…]+$")
_LEAD = re.compile(
    r"^(?:那么|那就|那(?![个家份项些种本部款座里儿时年天次位条届场篇])|然后|所以|另外|接下来|再问一下|再问|还想问|请问|对了|好的|嗯)[，,、\s]*"
)
_SMALL_TALK = re.compile(
    r"^(?:谢谢|多谢|感谢|好的?|明白|知道了|了解|你好|您好|嗯+|哦+|ok|再见)[了你您啊吧！!。~，,]*$", re.IGNORECASE
)
_LEANS = re.compile(r"^(?:那|那么|还有|它|他们?|她|其(?![他它中余实])|这|该|另外|然后|再|上述|此)|^.{0,12}呢[？?]?$")

_MORE = re.compile(
    r"(?:(?:还有|其他|其它|另外|别的|此外|除此之外|除了这些)(?:的|还有|呢|吗|哪些|什么|没有|别的|其他的?|更多)*"
    r"|(?:再|能|请|可以|能不能)*(?:具体|详细|展开|深入|多)(?:一点|一些|点|些|地)?(?:再|说说|讲讲|介绍|谈谈|说明|说|讲|一下|一点|点|内容|呢|吗|吧)*|(?:真的|确定|你确定|是真的)吗?)"
)
_WHY = re.compile(
    r"(?:这|这个|这是|可是|但|它|其|到底)*是?(?:为什么|为何|为啥|怎么回事|(?:什么|啥)(?:原因|理由)|凭什么|何以见得)(?:呢|啊|呀|会?这样|要这样|这么说|这么做)*"
    r"|(?:这样做|这么说|这么做|它|其|这)?的?(?:主要)?(?P<what>原因|理由|依据)(?:呢|是什么|有哪些|是啥|何在|在哪)"
)
# Why or how something has changed, without what has.
_CHANGED = re.compile(
    r"(?:到底|究竟)?是?(?:为什么|为何|为啥|因何|怎么)"
    r"(?=.*(?:[多少高低快慢大小长短涨降跌变]|增[加长]|减|上[升调]|提[高前]|回落|扩大|调整|取消|推迟))"
    r"(?:会|又|还|反而?|却|突然|大幅度?|明显|逐年|有所|出现|比|较|同比|环比|往年|以前|之前|上次|这么|那么|如此|快速|下|变|[多少高低快慢大小长短涨降跌]"
    r"|增[加长多]|减[少缓]|上[升涨调]|下[降跌调滑]|提[高前]|降低|回落|缩[小短]|扩大|延长|变化|调整|取消|推迟|翻[番倍]|[得过了的呢啊呀])+"
)
_ELLIPSIS = re.compile(r"(?:的话|的情况|的)?(?:呢|怎么样|又如何|如何|又怎样|是多少呢|又是多少)$")
_SWITCH = re.compile(r"^(?:换成|换做|如果是|要是|至于|再看看?|改成|而)")

# What asks, with the verb that carries it; taken out of a question, what it is about remains.
_ASKING = re.compile(
    r"(?:分别|大概|大约|一共|总共|共|究竟|到底|都|主要|具体)*(?:是(?![不否])|为(?![什何啥])|有(?!没|无)|达到?|叫做?|占|需要|要|包括|包含|在|于|由|被|设在|位于)?了?"
    r"(?:什么(?:时[候间]|地方|意思|原因|样的?|人|单位|机构|部门)?|啥(?:时候|意思)?|多少(?:[个家条座台人次元亩套种项名]|万|亿元?)?|哪些|哪(?:里|儿|一?[个家项位年月天份座款条种所]|几[个家项条种类])?"
    r"|谁|何[时地处]|如何|怎样|怎么样?|为什么|为何|为啥|几(?:[个家条座台人次元项名天年月种类层])|多[大久高长远快])(?:呢|的)?"
    r"|是不是|是否|有没有|能不能|能否|可不可以|会不会|要不要|[吗呢]$"
)
_POLITE = re.compile(
    r"^(?:请问一?下?|你?能?告诉我|我?想(?:知道|问|了解)一?下?|帮我?查一?下?|麻烦(?:问|查)?一?下?|请?(?:概括|总结|归纳|介绍|说明|列举|列出|简述)一?下?)"
)
_ASKS_WHO = re.compile(
    r"谁|哪一?[家位个款所座](?!月|季)|哪里|哪儿|什么(?:人|公司|企业|机构|单位|部门|地方)|叫(?:什么|啥|做什么)|什么名|哪个(?:省|市|县|区|城市)"
)
_ASKS_ROUND = re.compile(r"^(?:是?由)?(?:谁|哪[家个])|什么时[候间]|啥时候|何[时地]|哪[里儿年天]|多久")
_TRAILING = re.compile(
    r"(?:[的是有在由被于为从自向]|设有|建有|拥有|途经|一共|总共|大概|各自|分别|主要|对|将|会|要|都)+$"
)
_LEADING = re.compile(
    r"^(?:[的了过着是在于要会能]|负责|发布了?|提出了?|开发了?|建设了?|制定了?|[发印]发了?|起草了?|推出了?)+"
)


def _words_of(line: str) -> frozenset[str]:
    return frozenset(line.split())


# Nouns for one side of a thing: alone in a follow-up they ask about the thing spoken of.
_FACETS = _words_of(
    "目标 目的 时间 日期 地点 地址 投资 总投资 投资额 资金 预算 经费 面积 规模 人数 数量 金额 价格 费用 成本 收费 标准 条件 要求 资格 流程 程序 手续 材料 期限 "
    "有效期 对象 范围 措施 举措 内容 任务 重点 原则 好处 优势 优点 缺点 不足 特点 特征 特色 问题 风险 挑战 困难 影响 作用 功能 用途 意义 背景 进展 进度 现状 趋势 前景 "
    "结论 建议 观点 定义 含义 概念 来源 作者 单位 部门 机构 负责人 电话 名称 名字 全称 简称 占比 比例 比重 增速 增幅 增长率 收入 营收 利润 产值 产量 销量 市值 补贴 奖励 "
    "处罚 罚款 保障 机制 方式 方法 路径 步骤 阶段 效果 成效 案例 场景 企业 人员 总量 总额 份额 排名 速度 寿命 年限 工期 主体 框架 体系 方向 领域 指标 关键 核心 "
    "本质 依据 数据 情况 上限 下限 限额 全长 总长 长度 高度 深度 容量 库容 总库容 蓄水量 票价 租金 单价 总价 总数"
)
_MEASURED = _words_of(
    "投资 总投资 投资额 资金 预算 经费 面积 规模 人数 数量 金额 价格 费用 成本 收费 占比 比例 比重 增速 增幅 增长率 收入 营收 利润 产值 产量 销量 市值 罚款 总量 总额 "
    "份额 排名 速度 寿命 年限 工期 上限 下限 限额 全长 总长 长度 高度 深度 容量 库容 总库容 蓄水量 票价 租金 单价 总价 总数"
)
# What else a question that names no thing of its own is made of.
_NO_THINGS = _words_of(
    "发布 成立 建成 开工 完工 竣工 实施 施行 执行 生效 举办 召开 举行 申请 办理 提出 出台 印发 投产 投用 上市 开始 启动 结束 截止 投入 负责 牵头 开发 建设 编写 起草 "
    "制定 通过 运营 开放 开通 通车 收购 参与 参加 包括 涉及 提到 介绍 解决 实现 完成 达到 使用 用 投 花 建 做 写 说 需要 可以 能 准备 计划 打算 增长 下降 主办 承办 主管 "
    "监管 管理 正式 主要 具体 预计 最终 目前 未来 现在 首次 最早 大 高 长 远 快 钱 人 的 了 是 在 有 被 由 到 过 个 家 项 条 种 类 方面 对 于 里 中 和 与 及 还 也 会 要 都 多 "
    "上 下 又 呢 啊 一共 总共 大概 分别 各 来 什么 多少 哪些 又是 还有"
)

_YEAR = re.compile(
    r"(?<![\d.])(?:19|20)\d{2}(?![\d.,%])年?度?|[一二][九〇零○][\d一二三四五六七八九〇零○]{2}年|(?:去|今|明|前|上一?)年"
)
_PERIOD = re.compile(
    r"[上下]半年|第?[一二三四1-4]季度|前[二三]季度|(?:1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])月份?(?!\d)"
)
_ORDINAL = re.compile(
    r"(?:第|最后)([一二两三四五六七八九十\d]{1,3})?[个条项点种类份层步章节]?(?:方面|部分|阶段|任务|措施)?(?=[呢是的，,有在由为哪谁几多什怎如]|$)"
)
_MARKER = re.compile(r"\[\d+\]")
_SIDES = re.compile(
    r"(?P<one>[^，,。；;：:、的和与跟]{2,15}?)(?:以及|和|与|跟|同|及|、|还是|比)(?P<other>[^，,。；;：:、和与跟]{2,15}?)"
    r"(?=[有的哪谁各在对是更，。？?]|分别|之间|相比|两者|$)"
)

_POINTS = re.compile(
    r"(?P<pair>[前后]者)"
    r"|(?P<noun>(?<![应不本活])该(?![怎如找由去不向交做办什有是])|上述|(?<![因由为彼从如在])此(?![外前后次时])|[这那][个份项家些种本部款座件场次届位篇条套类批所])"
    r"|(?P<it>(?<![其吉])它们?|(?<![其吉])他(?![国人乡])们?|她们?|(?<![尤及与极])其(?![他它中余次实间])|这(?=[的是在对有由被要会]))"
)
_DOCUMENT = re.compile(
    r"(?:报告|文件|通知|办法|规划|计划|方案|意见|条例|法规|政策|白皮书|文章|书|讲话|细则|决定|标准)$"
)
_BODY = re.compile(r"(?:公司|企业|集团|机构|单位|部门|组织|协会|银行|大学|高校|研究院|智库|平台)$")
_BODY_FIRST = re.compile(r"公司|企业|集团|机构|单位|部门|组织|协会|银行|大学|高校")
_REGION = re.compile(r"^(?:省|市|县|区|镇|乡|城市|地区|省份|国家|国)$")


def resolve(text: str, history: Sequence[Turn]) -> str:
    """`text` so that it stands alone, with what it leaves out taken from the last rounds of `history`.

    A question that leaves nothing out, and any question without a history, is returned unchanged.
    """
    last = _Round("", "")
    for asked, answer in _rounds(history)[-_ROUNDS:]:
        last = _Round(_resolved(asked, last), answer)
    return _resolved(text, last)


def _rounds(history: Sequence[Turn]) -> list[tuple[str, str]]:
    """Each question of the user with the answer to it, small talk left out; an answer that never came is empty."""
    rounds: list[tuple[str, str]] = []
    for turn in history:
        content = turn.content.strip()[:_CHARACTERS]
        if turn.role == "user" and content and not _SMALL_TALK.match(content):
            rounds.append((content, ""))
        elif turn.role == "assistant" and rounds and not rounds[-1][1]:
            rounds[-1] = (rounds[-1][0], _MARKER.sub("", content))
    return rounds


def _resolved(text: str, last: _Round) -> str:
    if not last.question or len(text) > _CHARACTERS:
        return text
    bare = _END.sub("", text.strip())
    led = _LEAD.sub("", bare)
    if _MORE.fullmatch(led) or not led:
        return last.question
    why = _WHY.fullmatch(led)
    if why:
        return f"{_statement(last.question)}的{why['what'] or '原因'}是什么？"
    for rule in (_change, _ordinal, _pointing, _ellipsis, _facet):
        found = rule(led, last)
        if found is not None:
            mark = "？" if text.endswith(("？", "?")) or last.question.endswith(("？", "?")) else ""
            return text if found == led else _END.sub("", found) + mark
    if _LEANS.search(text) and (_ELLIPSIS.search(bare) or not _has_subject(led)):
        return f"{last.question} {text}"
    return text


def _change(text: str, last: _Round) -> str | None:
    """为什么减少, 为什么比2022年少了: a change without what has changed is one of the figure asked for."""
    times = [element for element in _elements(text) if element.kind in ("year", "period")]
    return _head(last.question) + text if _CHANGED.fullmatch(_without(text, times)) else None


def _ordinal(text: str, last: _Round) -> str | None:
    """第二个呢: the other one of a numbered thing that was asked for, or the item of the answer in that place."""
    match = _ORDINAL.match(text)
    if match is None:
        return None
    rest = _ELLIPSIS.sub("", text[match.end() :])
    if not rest and (asked := _ORDINAL.search(last.question)):
        return last.question[: asked.start()] + match.group() + last.question[asked.end() :]
    items = _items(last.answer)
    number = len(items) if text.startswith("最后") else parse_number(match.group(1) or "") or 0
    if not 0 < number <= len(items):
        return f"{last.question} {text}"
    rest = re.sub(r"^[，,的]", "", rest)
    return items[number - 1] + (rest if rest else "的具体内容是什么？")


def _items(answer: str) -> list[str]:
    """What an answer lists: its lines or, of a single one, the parts between the marks of a list, each by its name."""
    lines = [line for line in answer.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].rstrip().endswith(("：", ":")):
        lines = lines[1:]
    if len(lines) == 1:
        body = re.split(r"[：:]|包括|分别[是为]|有(?=.*、)", lines[0], maxsplit=1)[-1]
        lines = [part for part in re.split(r"[；;、]|和(?=[^、；]*$)", body) if part.strip()]
    return [
        re.split(
            r"[：:，,。；;]",
            re.sub(r"^\s*(?:[-*•·]|[（(]?[\d一二三四五六七八九十]+[）).、]|[一二三四五六七八九十]+是)\s*", "", line),
        )[0].strip()[:30]
        for line in lines
    ]


def _pointing(text: str, last: _Round) -> str | None:
    """它, 该公司, 这份报告, 后者: the word that points gives way to what it points at."""
    match = _POINTS.search(text)
    if match is None:
        return None
    before = re.sub(r"^(?:对于?|关于|在|根据|按照?|从|给|为|和|与)", "", text[: match.start()])
    if match["pair"]:
        pair = _pair(last.question) or _pair(last.answer)
        return (
            None if pair is None else _put(text, match.start(), match.end("pair"), pair["前后".index(match["pair"][0])])
        )
    if len(before) > 1 and (phrases(before) or spans(before)):
        return text  # it points at something in the same question
    if match["it"]:
        return _put(text, match.start(), match.end(), _subject(last))
    noun = _leading_noun(text[match.end() :])
    if not noun:
        return None if match["noun"][0] in "该上此" else _put(text, match.start(), match.end(), _subject(last))
    end = match.end() + len(noun)
    thing = _thing(noun, last)
    if thing is not None:
        return _put(text, match.start(), end, thing)
    if len(noun) > 3:
        return text  # says by itself what it means
    if any(kind.search(noun) for kind in (_DOCUMENT, _BODY, _REGION)):
        return f"{last.question} {text}"
    return _put(text, match.start(), end, _subject(last) + noun)


def _put(text: str, start: int, end: int, name: str) -> str:
    return text[:start] + name + text[end:]


def _leading_noun(text: str) -> str:
    """The noun phrase that a text begins with, only its first word where that says what kind of thing it is; else empty."""
    first = next((word for word, _ in _words(text)), "")
    if not rjieba.has_word(first) and _REGION.match(first[:1]):
        return first[:1]  # 市是, which is no word
    if text.startswith(first) and any(kind.search(first) for kind in (_DOCUMENT, _BODY, _REGION)):
        return first
    if body := _BODY_FIRST.match(text):
        return body.group()  # 公司总部
    found = phrases(text)
    return text[: found[0].end] if found and found[0].start == 0 else ""


def _thing(noun: str, last: _Round) -> str | None:
    """What 该 + `noun` stands for: a place, organisation, title or phrase of that kind, of the question before the answer."""
    for text in (last.question, last.answer):
        found = phrases(text)
        if _REGION.match(noun):
            fitting = [text[span.start : span.end] for span in reversed(spans(text))]
        elif _BODY.search(noun):
            fitting = [text[phrase.start : phrase.end] for phrase in found if phrase.is_organisation]
        else:
            named = [text[phrase.start : phrase.end] for phrase in found]
            fitting = [name for name in named if name.strip('“”「」"').endswith(noun) and name != noun]
            if _DOCUMENT.search(noun):
                fitting = [name for name in named if name[0] == "《"] or fitting
        if fitting:
            return fitting[0]
    return None


def _subject(last: _Round) -> str:
    """What the last round spoke of: who or what was asked for and named by the answer, else the topic of the question."""
    if _ASKS_WHO.search(last.question):
        found = phrases(last.answer)
        topic = _topic(last.question)
        names = [last.answer[p.start : p.end] for p in found]
        known = [name for p, name in zip(found, names, strict=True) if p.is_organisation or name[0] in "《“「"]
        new = [name for name in (*known, *names) if name not in last.question and name != topic]
        if new:
            return new[0]
    return _topic(last.question)


def _pair(text: str) -> tuple[str, str] | None:
    """The two things that a text sets side by side."""
    match = _SIDES.search(_POLITE.sub("", text))
    return (match["one"], match["other"]) if match else None


@dataclass(frozen=True)
class _Element:
    """`text[start:end]` is a year, a period, a place, a name or a quoted term, by its `kind`."""

    start: int
    end: int
    kind: str


def _elements(text: str) -> list[_Element]:
    found = [_Element(match.start(), match.end(), "year") for match in _YEAR.finditer(text)]
    found += [_Element(match.start(), match.end(), "period") for match in _PERIOD.finditer(text)]
    for span in spans(text):
        if found and found[-1].kind == "place" and found[-1].end == span.start:
            found[-1] = _Element(found[-1].start, span.end, "place")
        else:
            found.append(_Element(span.start, span.end, "place"))
    taken = list(found)
    for phrase in phrases(text):
        if not any(e.start < phrase.end and phrase.start < e.end for e in taken):
            kind = "quoted" if text[phrase.start] in '《“「"' else "organisation" if phrase.is_organisation else ""
            found += [_Element(phrase.start, phrase.end, kind)] if kind else []
    return sorted(found, key=lambda element: element.start)


def _ellipsis(text: str, last: _Round) -> str | None:
    """那深圳呢, 2021年呢, 西滩公园呢: what is named takes the place of its like in the last question."""
    named = _SWITCH.sub("", _ELLIPSIS.sub("", text))
    if not named or len(named) > 30 or _ASKING.search(named):
        return None
    elements = _elements(named)
    rest = _without(named, elements)
    is_bare = named == text
    if is_bare and (rest or any(element.kind in ("quoted", "organisation") for element in elements)):
        return None
    if not elements or rest:
        words = [word for word, _ in _words(rest)]
        if words and (words[-1] in _FACETS or rest[-2:] in _FACETS) and not _like(last.question, named):
            question = _substituted(last.question, named, elements) if elements else last.question
            return None if question is None else f"{_topic(question)}的{rest}{_asks(rest[-2:])}"
        return _exchanged(last.question, named)
    return _substituted(last.question, named, elements)


def _without(text: str, elements: Sequence[_Element]) -> str:
    for element in reversed(elements):
        text = text[: element.start] + text[element.end :]
    return re.sub(r"^[的在和]+|[的在]+$", "", text.strip())


def _substituted(question: str, named: str, elements: Sequence[_Element]) -> str | None:
    """The question with each element in place of the one of its kind, or in front; None when it has several of the kind."""
    for element in elements:
        new = named[element.start : element.end]
        olds = [old for old in _elements(question) if old.kind == element.kind]
        if not olds:
            if element.kind in ("quoted", "organisation"):
                return _exchanged(question, named)
            question = new + ("年" if new.isdigit() else "") + question
            continue
        if len({question[old.start : old.end] for old in olds}) > 1:
            return None
        for old in reversed(olds):
            year = "年" if question[old.start : old.end].endswith("年") and new.isdigit() else ""
            question = question[: old.start] + new + year + question[old.end :]
    return question


def _exchanged(question: str, named: str) -> str | None:
    """The question with `named` in place of its like, of what is counted, or of what stands before 的; else None."""
    like = _like(question, named)
    if like is not None:
        return _put(question, *like, named)
    asking = _ASKING.search(question)
    if asking and asking.start() > 1:
        for phrase in phrases(question):
            if phrase.start == asking.end():
                return _put(question, phrase.start, phrase.end, named)
    topic = _topic(question)
    start = question.find(topic)
    return _put(question, start, start + len(topic), named) if start >= 0 and topic != question else None


def _like(question: str, named: str) -> tuple[int, int] | None:
    """Where the question has a phrase that ends, or goes on, with the last characters of `named`, at least two; the longest."""
    for length in range(len(named) - 1, 1, -1):
        for phrase in phrases(question):
            found = question.find(named[-length:], phrase.start, phrase.end)
            if found >= 0:
                return phrase.start, found + length
    return None


def _facet(text: str, last: _Round) -> str | None:
    """目标呢, 什么时候发布的: a question that names no thing of its own is about the thing spoken of."""
    if len(text) > 16 or _has_subject(text):
        return None
    words = [word for word, _ in _words(_ELLIPSIS.sub("", text))]
    if not words:
        return None
    topic = _topic(last.question)
    plain = _ELLIPSIS.sub("", text)
    return f"{topic}{'的' if words[0] in _FACETS else ''}{plain}{'' if _ASKING.search(plain) else _asks(words[-1])}"


def _asks(facet: str) -> str:
    return "是多少" if facet in _MEASURED else "是什么"


def _has_subject(text: str) -> bool:
    """Whether a question names a thing: holds a word besides what asks, sides of things and common verbs."""
    left = _ASKING.sub(" ", _ELLIPSIS.sub("", text))
    things = [(word, tag) for word, tag in _words(left) if word not in _FACETS and word not in _NO_THINGS]
    # Who does it, when or where, asks about the thing spoken of, whatever is done; how to do it may stand alone.
    does = len(things) == 1 and things[0][1].startswith("v") and _ASKS_ROUND.search(text) is not None
    return bool(things) and not does


def _words(text: str) -> Iterator[tuple[str, str]]:
    return ((word, tag) for word, tag in rjieba.tag(text) if re.match(r"\w", word))


def _statement(question: str) -> str:
    """A question without what asks in it."""
    return _TRAILING.sub("", _ASKING.sub("", _POLITE.sub("", _END.sub("", question)))).strip(" ，,") or question


def _topic(question: str) -> str:
    """What a question is about: the words before what asks, without the side of the thing that is asked for."""
    head = _head(question)
    owner, of, side = head.rpartition("的")
    if of and len(owner) > 1:
        return owner if _without(owner, _elements(owner)) else _without_facet(owner + side)
    return _without_facet(head) or _statement(question)


def _head(question: str) -> str:
    """The words before what asks, or behind it where none are before, without the verb that leads over to it."""
    plain = _POLITE.sub("", _END.sub("", question))
    asking = _ASKING.search(plain)
    head = _TRAILING.sub("", plain[: asking.start()] if asking else plain).strip(" ，,")
    if len(head) < 2 and asking:
        return _TRAILING.sub("", _LEADING.sub("", _ASKING.sub("", plain[asking.end() :]))).strip(" ，,")
    words = rjieba.tag(head) if asking else []
    if len(words) > 1 and len(words[-1][0]) == 1 and words[-1][1].startswith("v"):
        return head.removesuffix(words[-1][0])  # 1号线设多少站
    return head


def _without_facet(text: str) -> str:
    words = [word for word, _ in rjieba.tag(text)]
    if len(words) > 1 and words[-1] in _FACETS:
        return "".join(words[:-1]).removesuffix("总")  # 总库容 is two words
    return text
