"""Place names in questions and texts."""

from service.places import places


def test_provinces_cities_districts_and_countries_are_found():
    assert places("河南省郑州市与朝阳区、韩国合作") == {"河南", "郑州", "朝阳区", "韩国"}


def test_the_longer_name_wins():
    assert places("海南与海口") == {"海南", "海口"}
    assert places("黑龙江") == {"黑龙江"}


def test_a_text_without_a_place_names_none():
    assert places("数据要素市场") == frozenset()
