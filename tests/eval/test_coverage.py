from eval.coverage import coverage
from indexer.document import Document

LONG = "新区的道路照明由值班员逐段检查并登记在册，" * 5
TEXT = f"# 简报\n\n## 一、道路\n{LONG}\n## 二、桥梁\n{LONG.replace('道路', '桥梁')}\n## 三、附则\n自印发之日起施行。\n"
DOCUMENT = Document("brief.md", "brief.md", TEXT, "0" * 64)
BARE = Document("bare.md", "bare.md", "只有一句话。", "1" * 64)


def test_a_section_without_a_question_is_not_listed(world):
    question = world.answerable(1, docs=("brief.md",), evidence=("新区的道路照明由值班员逐段检查",))
    (found,) = coverage([question], [DOCUMENT])
    assert [own.path for own in found.missing] == [("二、桥梁",)]
    assert (found.sections, found.share) == (2, 0.5)  # the third is too short to ask about


def test_evidence_of_another_document_covers_this_one(world):
    question = world.answerable(1, docs=("other.md",), evidence=("新区的道路照明由值班员逐段检查",))
    (found,) = coverage([question], [DOCUMENT])
    assert found.share == 0


def test_a_document_without_a_long_section_divides_by_zero():
    (found,) = coverage([], [BARE])
    assert (found.sections, found.missing, found.share) == (0, (), 1.0)
