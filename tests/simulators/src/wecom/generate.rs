//! A plausible enterprise from a seed, and members and departments that try to break whoever reads them.

use super::enterprise::{Department, Enterprise, Member, Status};

/// SplitMix64: the same on every platform and in every version, so that a seed names one enterprise for good.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }
}

const SURNAMES: [(&str, &str); 24] = [
    ("王", "wang"),
    ("李", "li"),
    ("张", "zhang"),
    ("刘", "liu"),
    ("陈", "chen"),
    ("杨", "yang"),
    ("黄", "huang"),
    ("赵", "zhao"),
    ("吴", "wu"),
    ("周", "zhou"),
    ("徐", "xu"),
    ("孙", "sun"),
    ("马", "ma"),
    ("朱", "zhu"),
    ("胡", "hu"),
    ("郭", "guo"),
    ("何", "he"),
    ("林", "lin"),
    ("高", "gao"),
    ("罗", "luo"),
    ("郑", "zheng"),
    ("梁", "liang"),
    ("欧阳", "ouyang"),
    ("司马", "sima"),
];

const GIVEN: [(&str, &str); 28] = [
    ("伟", "wei"),
    ("芳", "fang"),
    ("娜", "na"),
    ("敏", "min"),
    ("静", "jing"),
    ("磊", "lei"),
    ("强", "qiang"),
    ("洋", "yang"),
    ("勇", "yong"),
    ("艳", "yan"),
    ("杰", "jie"),
    ("涛", "tao"),
    ("明", "ming"),
    ("超", "chao"),
    ("秀", "xiu"),
    ("霞", "xia"),
    ("平", "ping"),
    ("刚", "gang"),
    ("桂", "gui"),
    ("英", "ying"),
    ("华", "hua"),
    ("玉", "yu"),
    ("文", "wen"),
    ("辉", "hui"),
    ("建", "jian"),
    ("国", "guo"),
    ("雨", "yu"),
    ("婷", "ting"),
];

const UNITS: [&str; 16] = [
    "研发中心",
    "产品部",
    "市场部",
    "销售部",
    "人力资源部",
    "财务部",
    "法务部",
    "运维部",
    "安全部",
    "客户成功部",
    "数据平台部",
    "基础架构部",
    "测试部",
    "设计部",
    "采购部",
    "行政部",
];

const TEAMS: [&str; 8] = [
    "一组",
    "二组",
    "三组",
    "华南组",
    "华东组",
    "平台组",
    "支持组",
    "项目组",
];

const POSITIONS: [&str; 10] = [
    "工程师",
    "高级工程师",
    "SRE",
    "产品经理",
    "设计师",
    "测试工程师",
    "销售经理",
    "会计",
    "HRBP",
    "架构师",
];

const TAGS: [&str; 4] = ["外包", "值班", "云管理员", "试用期"];

/// What [`Enterprise::add_nasty`] added.
#[derive(Clone, Debug)]
pub struct Nasty {
    /// The departments; no path leads to them from the root, so a visible range has to name them.
    pub departments: Vec<u32>,
    /// The userids.
    pub members: Vec<String>,
}

impl Enterprise {
    /// Makes an enterprise of so many members in so many departments (the root included): Chinese names, a tree of
    /// departments with heads, positions, a few disabled and not yet activated members, some in two departments, four tags.
    /// The same arguments make the same enterprise.
    pub fn generate(seed: u64, members: usize, departments: usize) -> Self {
        let mut dice = Dice(seed);
        let mut enterprise = Self::new("云海科技");
        let mut ids = vec![1];
        for number in 2..=u32::try_from(departments.max(1)).unwrap_or(30_000) {
            // The first layer is wide, the layers below hang under what came before.
            let first_layer = ids.len() <= UNITS.len();
            let parent = if first_layer {
                1
            } else {
                *dice.pick(&ids[1..])
            };
            let index = usize::try_from(number).unwrap_or(0) - 2;
            let name = if first_layer {
                UNITS[index % UNITS.len()].to_owned()
            } else {
                format!("{}{number}", dice.pick(&TEAMS))
            };
            enterprise.add_department(number, &name, parent);
            ids.push(number);
        }
        for number in 1..=members {
            let member = person(&mut dice, number, &ids);
            enterprise.add(member);
        }
        enterprise.appoint_heads();
        enterprise.tag_members(&mut dice);
        enterprise
    }

    fn appoint_heads(&mut self) {
        let mut headed = std::collections::BTreeSet::new();
        for member in self.members.values_mut() {
            if member.status == Status::Active && headed.insert(member.main_department) {
                member.leads.insert(member.main_department);
                if let Some(department) = self.departments.get_mut(&member.main_department) {
                    department.leaders.push(member.userid.clone());
                }
            }
        }
        let heads: std::collections::BTreeMap<u32, String> = self
            .departments
            .values()
            .filter_map(|d: &Department| Some((d.id, d.leaders.first()?.clone())))
            .collect();
        for member in self.members.values_mut() {
            let head = heads
                .get(&member.main_department)
                .filter(|head| **head != member.userid);
            member.direct_leaders.extend(head.cloned());
        }
    }

    fn tag_members(&mut self, dice: &mut Dice) {
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for (id, name) in (1..).zip(TAGS) {
            let chosen: Vec<&str> = ids
                .iter()
                .filter(|_| dice.percent(3))
                .map(String::as_str)
                .collect();
            self.add_tag(id, name, &chosen, &[]);
        }
    }

    /// Adds members and departments that are legal, or once were, and that break careless readers: ids of 64 bytes, ids that
    /// differ in case only, names from every plane of Unicode, markup, 20 departments, a cycle of departments, a department
    /// whose parent is missing.
    pub fn add_nasty(&mut self) -> Nasty {
        let departments = vec![9001, 9002, 9003, 9004];
        self.add_department(9001, "环/上", 9002);
        self.add_department(9002, "环\\下", 9001);
        self.add_department(9003, "孤儿", 99_999);
        self.add_department(9004, "<b>R&D</b>", 1);
        let twenty: Vec<u32> = (0..20).map(|offset| 9100 + offset).collect();
        for id in &twenty {
            self.add_department(*id, &format!("多部门{id}"), 9004);
        }
        let long = "l".repeat(64);
        let nasty: [(&str, &str, &[u32]); 12] = [
            (&long, "六十四字节", &[9004]),
            ("Case.Twin", "大小写甲", &[9004]),
            ("case.twin", "大小写乙", &[9004]),
            ("plane1", "𝒜𝓁𝒾𝒸ℯ 🐉👩‍💻", &[9004]),
            ("plane2", "𠮷野家𪚥", &[9004]),
            ("plane14", "标签\u{e0041}\u{e0042}", &[9004]),
            ("plane15", "私用\u{f0000}\u{10fffd}", &[9004]),
            (
                "markup",
                "<script>alert('张三')</script>&amp;\"]]>",
                &[9004],
            ),
            ("rtl", "\u{202e}三张\u{202c} \u{200b}\u{feff}", &[9004]),
            ("template", "{{ member.id }} {% raw %} ${HOME} %s", &[9004]),
            ("in.cycle", "环中人", &[9001, 9002]),
            ("orphan", "无父部门", &[9003]),
        ];
        let mut members: Vec<String> = nasty
            .iter()
            .map(|(userid, _, _)| (*userid).to_owned())
            .collect();
        for (userid, name, of) in nasty {
            self.add_member(userid, name, of);
        }
        self.add_member("twenty", "二十部门", &twenty);
        self.add_member("dot-_@.9", "", &[9004]);
        members.extend(["twenty".to_owned(), "dot-_@.9".to_owned()]);
        Nasty {
            departments,
            members,
        }
    }
}

fn person(dice: &mut Dice, number: usize, departments: &[u32]) -> Member {
    let (surname, surname_latin) = dice.pick(&SURNAMES);
    let (first, first_latin) = dice.pick(&GIVEN);
    let (second, second_latin) = if dice.percent(60) {
        *dice.pick(&GIVEN)
    } else {
        ("", "")
    };
    let userid = format!("{surname_latin}{first_latin}{second_latin}{number}");
    let mut of = vec![*dice.pick(departments)];
    if dice.percent(8) {
        let other = *dice.pick(departments);
        if other != of[0] {
            of.push(other);
        }
    }
    let mut member = Member::new(&userid, &format!("{surname}{first}{second}"), &of);
    member.position = (*dice.pick(&POSITIONS)).to_owned();
    member.status = match dice.below(100) {
        0..3 => Status::Disabled,
        3..8 => Status::NotActivated,
        _ => Status::Active,
    };
    member.mobile = format!("138{:08}", number % 100_000_000);
    member.email = format!("{userid}@example.com");
    member
}
