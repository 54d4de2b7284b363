//! The words themselves: cause and remedy by code, by class, and for what has no code (`wecom-api.md` 1, 7, 8.2).

use crate::codes::Class;

/// Cause and remedy in both languages.
pub(super) struct Text {
    pub(super) zh: (&'static str, &'static str),
    pub(super) en: (&'static str, &'static str),
}

/// The words for one code, where it has its own.
pub(super) fn of_code(code: i64) -> Option<&'static Text> {
    Some(match code {
        40001 => &SECRET,
        40013 => &CORP_ID,
        40056 | 301002 => &AGENT,
        45009 => &FREQUENCY,
        45033 => &CROWD,
        48001 => &API_BARRED,
        48002 => &TOKEN_KIND,
        48009 => &CONTACT_SYNC,
        48004 => &GRANT_ENDED,
        48005 => &RETIRED,
        48006 => &IDLE,
        50001 | 85005 => &DOMAIN,
        50003 => &APP_OFF,
        43009 => &NOT_VERIFIED,
        60031 => &APP_BARRED,
        301007 => &ENTERPRISE_GONE,
        60111 | 40003 | 46004 | 60136 => &MEMBER_GONE,
        81011 | 40068 => &TAG,
        40014 | 42001 => &TOKEN,
        -1 | 6000 => &BUSY,
        _ => return None,
    })
}

/// The words for a class, for codes without their own.
pub(super) fn of_class(class: Class) -> Option<&'static Text> {
    Some(match class {
        Class::Busy => &BUSY,
        Class::TokenStale => &TOKEN,
        Class::Secret => &SECRET,
        Class::Settings => &SETTINGS,
        Class::Permission => &API_BARRED,
        Class::Throttled => &FREQUENCY,
        Class::Crowded => &CROWD,
        Class::TooLarge => &TOO_LARGE,
        Class::MemberGone => &MEMBER_GONE,
        Class::MemberHidden => &OUT_OF_RANGE,
        Class::DepartmentGone => &DEPARTMENT_GONE,
        Class::TagGone | Class::TagDenied => &TAG,
        Class::SignInCode => &SIGN_IN,
        Class::Mistake => &BUG,
        Class::Refused => return None,
    })
}

const SECRET: Text = Text {
    zh: (
        "应用的 Secret 不正确：填写有误、已被重置，或应用已停用。",
        "在管理后台「应用管理 > 该自建应用」中重新查看 Secret 并更新配置。请勿反复尝试：错误的 Secret 调用过多会使出口 IP 被封禁一小时。",
    ),
    en: (
        "The app's secret is wrong: mistyped, reset, or the app is switched off.",
        "Look the secret up again in the console (应用管理 > the self-built app > Secret) and correct the configuration. \
         Do not try again and again: many calls with a wrong secret get this address blocked for an hour.",
    ),
};

const CORP_ID: Text = Text {
    zh: (
        "企业ID（corp_id）不正确。",
        "在管理后台「我的企业 > 企业信息」底部查看企业ID，并更新 corp_id。",
    ),
    en: (
        "The enterprise id (corp_id) is wrong.",
        "Look it up in the console (我的企业 > 企业信息 > 企业ID) and correct corp_id.",
    ),
};

const AGENT: Text = Text {
    zh: (
        "agent_id 与 secret 不属于同一个应用。",
        "在管理后台打开该自建应用，从同一页面复制 AgentId 和 Secret。不要使用「通讯录同步」的 Secret。",
    ),
    en: (
        "agent_id and secret belong to different apps.",
        "Open the self-built app in the console and copy AgentId and Secret from that one page. The contact-sync \
         (通讯录同步) secret does not fit any app.",
    ),
};

const CONTACT_SYNC: Text = Text {
    zh: (
        "使用了「通讯录同步」的 Secret：自 2022-08-15 起，新的 IP 用它不能再读取成员与部门详情。",
        "把 secret 换成自建应用的 Secret，并把需要同步的部门和成员加入该应用的可见范围。",
    ),
    en: (
        "This is the contact-sync (通讯录同步) secret: since 2022-08-15 it may not read members and departments from a new \
         address.",
        "Use the self-built app's secret instead, and put the departments and members to be mirrored into that app's \
         visible range (可见范围).",
    ),
};

const TOKEN_KIND: Text = Text {
    zh: (
        "这种 Secret 不允许调用该接口：多半是把「通讯录同步」的 Secret 当作自建应用的 Secret 使用。",
        "把 secret 换成自建应用的 Secret（「应用管理 > 该应用 > Secret」）。",
    ),
    en: (
        "This kind of secret may not call that interface: most likely the contact-sync (通讯录同步) secret stands where \
         the app's own belongs.",
        "Use the self-built app's secret (应用管理 > the app > Secret).",
    ),
};

const API_BARRED: Text = Text {
    zh: (
        "该应用没有调用此接口的权限。",
        "请企业管理员在管理后台检查该应用的权限与状态；恢复前不会更改任何子用户。",
    ),
    en: (
        "The app is not permitted to call this interface.",
        "Have a WeCom administrator check the app's permissions and state in the console. No sub-user is changed until \
         then.",
    ),
};

const GRANT_ENDED: Text = Text {
    zh: (
        "对该应用的授权无效或已取消。",
        "请企业管理员在管理后台重新授权或启用该应用。",
    ),
    en: (
        "The app's authorisation is invalid or was cancelled.",
        "Have a WeCom administrator authorise the app again.",
    ),
};

const RETIRED: Text = Text {
    zh: ("企业微信已停用该接口。", "请升级 camsync。"),
    en: ("WeCom has retired this interface.", "Upgrade camsync."),
};

const IDLE: Text = Text {
    zh: (
        "应用长期未使用，接口权限已被收回。",
        "请企业管理员在管理后台重新启用该应用。",
    ),
    en: (
        "The app was unused for long, and WeCom withdrew its permission.",
        "Have a WeCom administrator enable the app again in the console.",
    ),
};

const DOMAIN: Text = Text {
    zh: (
        "登录回调地址不在应用的可信域名内，或其归属尚未验证。",
        "在管理后台该应用的「网页授权及JS-SDK」与「企业微信授权登录」中加入 public_url 的域名（含端口）并完成验证。",
    ),
    en: (
        "The address that sign-in returns to is not in the app's trusted domain, or the domain is not verified.",
        "In the console enter the domain of public_url, with its port, under the app's 网页授权及JS-SDK and 企业微信授权登录, \
         and verify it.",
    ),
};

const APP_OFF: Text = Text {
    zh: (
        "应用已停用。",
        "在管理后台启用该应用；停用期间不会更改任何子用户。",
    ),
    en: (
        "The app is switched off.",
        "Switch it on in the console. No sub-user is changed while it is off.",
    ),
};

const NOT_VERIFIED: Text = Text {
    zh: ("企业主体尚未认证。", "请企业管理员在管理后台完成企业认证。"),
    en: (
        "The enterprise is not verified.",
        "Have a WeCom administrator complete the verification (企业认证).",
    ),
};

const APP_BARRED: Text = Text {
    zh: (
        "该应用被禁止调用接口。",
        "请企业管理员在管理后台查看原因并解除限制。",
    ),
    en: (
        "WeCom bars this app from its interfaces.",
        "Have a WeCom administrator find out why in the console.",
    ),
};

const ENTERPRISE_GONE: Text = Text {
    zh: (
        "企业已解散或被封禁。",
        "请联系企业微信客服；在此期间不会更改任何子用户。",
    ),
    en: (
        "The enterprise was dissolved or banned.",
        "Contact WeCom's support. No sub-user is changed meanwhile.",
    ),
};

const FREQUENCY: Text = Text {
    zh: (
        "调用次数超过企业微信的频率限制。",
        "camsync 会自动等待后重试。若经常发生，请减少同步频率，或检查是否有其他程序使用同一应用。",
    ),
    en: (
        "WeCom's frequency limit is reached.",
        "camsync waits and tries again by itself. If it happens often, crawl less often or look for other programs that \
         use the same app.",
    ),
};

const CROWD: Text = Text {
    zh: (
        "同时进行的调用过多。",
        "camsync 已自动降低并发。若持续发生，请检查是否有其他程序同时调用企业微信。",
    ),
    en: (
        "Too many calls at the same time.",
        "camsync already slows down by itself. If it goes on, look for other programs that call WeCom at the same time.",
    ),
};

const TOO_LARGE: Text = Text {
    zh: (
        "一次返回的数据过大。",
        "提高该来源的 limits.response，或拆分过大的部门。",
    ),
    en: (
        "One answer is too large.",
        "Raise the source's limits.response, or split the department that is too large.",
    ),
};

const MEMBER_GONE: Text = Text {
    zh: (
        "成员不存在，或不在应用的可见范围内。",
        "若该成员仍在职，请在管理后台检查应用的可见范围。",
    ),
    en: (
        "The member does not exist, or not in this app's visible range.",
        "If this person is still there, check the app's visible range (可见范围) in the console.",
    ),
};

const OUT_OF_RANGE: Text = Text {
    zh: (
        "应用的可见范围不包含所请求的成员、部门或标签。",
        "在管理后台「应用管理 > 该应用 > 可见范围」中加入相应的部门、成员或标签。",
    ),
    en: (
        "The app's visible range does not cover the member, department or tag that was asked for.",
        "Add it in the console: 应用管理 > the app > 可见范围.",
    ),
};

const DEPARTMENT_GONE: Text = Text {
    zh: (
        "部门不存在，可能刚被删除。",
        "通常下一次同步即恢复；否则请在可见范围中移除该部门。",
    ),
    en: (
        "The department does not exist; it may just have been deleted.",
        "The next crawl usually mends it; otherwise take the department off the visible range.",
    ),
};

const TAG: Text = Text {
    zh: (
        "标签不存在，或应用无权读取。",
        "在管理后台检查该标签的可见范围，或从应用的可见范围中移除它。",
    ),
    en: (
        "The tag does not exist, or the app may not read it.",
        "Check who may use the tag in the console, or take it off the app's visible range.",
    ),
};

const TOKEN: Text = Text {
    zh: (
        "企业微信拒绝了刚取得的访问凭证。",
        "camsync 会自动重试。若持续发生，请检查 secret 是否属于该自建应用。",
    ),
    en: (
        "WeCom refused an access token that it has just given.",
        "camsync tries again by itself. If it goes on, check that the secret is that of the self-built app.",
    ),
};

const BUSY: Text = Text {
    zh: ("企业微信系统繁忙。", "camsync 会自动重试，无需处理。"),
    en: (
        "WeCom is busy.",
        "camsync tries again by itself; nothing is to be done.",
    ),
};

const SIGN_IN: Text = Text {
    zh: ("登录码无效、已过期或已使用。", "请重新登录。"),
    en: (
        "The sign-in code is wrong, has expired or was used before.",
        "Sign in again.",
    ),
};

pub(super) const SETTINGS: Text = Text {
    zh: (
        "该来源的某项设置与企业微信管理后台不一致。",
        "请对照管理后台检查所指出的设置。",
    ),
    en: (
        "A setting of this source does not fit, here or in WeCom's console.",
        "Compare the setting that is named with what the console shows.",
    ),
};

pub(super) const EMPTY_RANGE: Text = Text {
    zh: (
        "应用的可见范围为空，看不到任何成员。",
        "在管理后台「应用管理 > 该应用 > 可见范围」中加入需要同步的部门、成员或标签。",
    ),
    en: (
        "The app's visible range is empty: it sees nobody.",
        "Add the departments, members or tags to be mirrored in the console: 应用管理 > the app > 可见范围.",
    ),
};

pub(super) const UNREACHABLE: Text = Text {
    zh: (
        "企业微信没有应答，或应答不是有效的 JSON（可能来自代理或网关）。",
        "检查到 qyapi.weixin.qq.com（或 api_base）的网络、代理与 DNS；camsync 会自动重试。",
    ),
    en: (
        "WeCom did not answer, or what came is not its JSON; a proxy or gateway may have answered instead.",
        "Check the network, proxy and DNS towards qyapi.weixin.qq.com (or api_base). camsync tries again by itself.",
    ),
};

pub(super) const BUG: Text = Text {
    zh: ("这是 WeCom 连接器的错误。", "请报告此问题，并附上日志。"),
    en: (
        "This is a fault of the WeCom connector.",
        "Please report it together with the log.",
    ),
};
