// Invented names, Chinese with pinyin. None is meant to be a real place of the region; compounds are a stem and an ending.

export type Name = { zh: string; en: string }
const name = (zh: string, en: string): Name => ({ zh, en })

export const DISTRICT_NAME = name('澄岚区', 'Chenglan District')

export const AREA_NAMES: readonly Name[] = [
  name('澄溪街道', 'Chengxi'),
  name('青麓街道', 'Qinglu'),
  name('望澜街道', 'Wanglan'),
  name('松陂街道', 'Songpo'),
  name('鹤汀街道', 'Heting'),
  name('柏川街道', 'Baichuan'),
  name('霁岭街道', 'Jiling'),
  name('石泓街道', 'Shihong'),
  name('兰渚街道', 'Lanzhu'),
  name('枫洲街道', 'Fengzhou'),
]

export const WATER_NAMES = {
  river: name('岚江', 'Lan River'),
  canal: name('清泓河', 'Qinghong Canal'),
  lakes: [
    name('映月湖', 'Yingyue Lake'),
    name('白鹭湖', 'Bailu Lake'),
    name('镜心湖', 'Jingxin Lake'),
    name('苇荡', 'Weidang Marsh'),
    name('云汀水库', 'Yunting Reservoir'),
  ],
}

/** The first one is the compound of the night-fire scenario. */
export const COMPOUND_STEMS: readonly Name[] = [
  name('青禾', 'Qinghe'),
  name('云杉', 'Yunshan'),
  name('望溪', 'Wangxi'),
  name('听松', 'Tingsong'),
  name('澄光', 'Chengguang'),
  name('锦屏', 'Jinping'),
  name('桐荫', 'Tongyin'),
  name('月桥', 'Yueqiao'),
  name('南枝', 'Nanzhi'),
  name('晓庭', 'Xiaoting'),
  name('碧梧', 'Biwu'),
  name('归雁', 'Guiyan'),
  name('临汀', 'Linting'),
  name('霞光', 'Xiaguang'),
  name('安澜', 'Anlan'),
  name('沁芳', 'Qinfang'),
  name('橘井', 'Jujing'),
  name('新荷', 'Xinhe'),
  name('竹影', 'Zhuying'),
  name('明岚', 'Minglan'),
  name('兰亭', 'Lanting'),
  name('枫桥', 'Fengqiao'),
  name('云麓', 'Yunlu'),
  name('百合', 'Baihe'),
  name('流萤', 'Liuying'),
  name('清和', 'Qinghe East'),
  name('丹桂', 'Dangui'),
  name('采薇', 'Caiwei'),
  name('溪山', 'Xishan'),
  name('星河', 'Xinghe'),
  name('望鹤', 'Wanghe'),
  name('稻香', 'Daoxiang'),
]
export const COMPOUND_ENDINGS: readonly Name[] = [
  name('里', 'Li'),
  name('苑', 'Court'),
  name('花园', 'Gardens'),
  name('新村', 'New Village'),
  name('家园', 'Homes'),
  name('公寓', 'Apartments'),
  name('府', 'Residence'),
]
export const PARK_STEMS: readonly Name[] = [
  name('恒拓', 'Hengtuo'),
  name('凌川', 'Lingchuan'),
  name('启衡', 'Qiheng'),
  name('瑞砺', 'Ruili'),
  name('博岩', 'Boyan'),
  name('云轴', 'Yunzhou'),
  name('丰泽', 'Fengze'),
  name('铭鼎', 'Mingding'),
  name('华岳', 'Huayue'),
  name('天工', 'Tiangong'),
]
export const ROAD_STEMS: readonly Name[] = [
  name('澄心', 'Chengxin'),
  name('岚汀', 'Lanting'),
  name('青石', 'Qingshi'),
  name('望江', 'Wangjiang'),
  name('松间', 'Songjian'),
  name('柏台', 'Baitai'),
  name('霁月', 'Jiyue'),
  name('鹤鸣', 'Heming'),
  name('枫林', 'Fenglin'),
  name('兰芷', 'Lanzhi'),
  name('石桥', 'Shiqiao'),
  name('云栈', 'Yunzhan'),
]
