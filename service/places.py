"""Names of provinces and larger cities, to notice when a question asks about one place and a text speaks of another.

Province-level divisions, provincial capitals, sub-provincial cities and other large or often named cities; from the public
list of administrative divisions of China. A name that is also an ordinary word is left out.
"""

import re

_PROVINCES = (
    "北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 "
    "陕西 甘肃 青海 台湾 内蒙古 广西 西藏 宁夏 新疆 香港 澳门"
)
_CITIES = (
    "石家庄 唐山 秦皇岛 邯郸 保定 太原 大同 呼和浩特 包头 鄂尔多斯 沈阳 大连 鞍山 长春 哈尔滨 大庆 南京 无锡 徐州 常州 苏州 南通 "
    "连云港 扬州 镇江 泰州 昆山 杭州 宁波 温州 嘉兴 湖州 绍兴 金华 义乌 台州 合肥 芜湖 福州 厦门 泉州 漳州 南昌 赣州 九江 济南 青岛 淄博 "
    "烟台 潍坊 威海 临沂 郑州 洛阳 武汉 宜昌 襄阳 长沙 株洲 湘潭 岳阳 广州 深圳 珠海 汕头 佛山 东莞 中山市 惠州 南宁 桂林 柳州 海口 三亚 成都 "
    "绵阳 贵阳 遵义 昆明 大理 拉萨 西安 咸阳 兰州 西宁 银川 乌鲁木齐 雄安"
)
_COUNTRIES = "美国 日本 韩国 英国 德国 法国 意大利 俄罗斯 印度 新加坡 加拿大 澳大利亚 欧盟 沙特 以色列 瑞士 荷兰 巴西"
# Districts and new areas whose names stand for themselves in policy documents.
_DISTRICTS = (
    "朝阳区 海淀区 石景山区 通州区 东城区 西城区 丰台区 大兴区 亦庄 浦东 徐汇区 闵行区 临港 天河区 黄埔区 南沙 福田区 南山区 余杭区 钱塘区 "
    "滨湖区 江宁区 渝北区 永川区 青白江区 和平区"
)
_NAMES = " ".join((_PROVINCES, _CITIES, _COUNTRIES, _DISTRICTS)).split()
_PLACE = re.compile("|".join(sorted(map(re.escape, _NAMES), key=len, reverse=True)))


def places(folded: str) -> frozenset[str]:
    """The listed places that a folded text names."""
    return frozenset(_PLACE.findall(folded))
