//! The manual's own words in Chinese.

use super::Page;

pub(super) const PAGE: Page = Page {
    introduction: INTRODUCTION,
    required_table: "必填。",
    head: "| 键 | 值 | 不写时 | 含义 |",
    below: "见下：",
    required: "*必填*",
    each_own: "各键各自的默认值",
    none: "无",
    rules: RULES,
    after_rules: AFTER_RULES,
};

const INTRODUCTION: &str = "\
# 配置参考

English: [configuration.md](configuration.md)

<!-- 由程序自身的声明生成，有测试比对。重新生成：
     UPDATE=1 cargo test -p camsync-config -->

camsync 只读一个 TOML 文件：`--config FILE` 或 `CAMSYNC_CONFIG` 指定的文件；否则是 `camsync.toml`；再否则是 `/etc/camsync/camsync.toml`。
[`config/camsync.toml`](../config/camsync.toml) 是包含全部键的示例，[`config/camsync.schema.json`](../config/camsync.schema.json)
是供编辑器使用的 JSON Schema。最少要写：

```toml
[target]
kind = \"cam\"

[[source]]
name = \"acme\"
connector = \"wecom\"
[source.settings]
corp_id = \"ww0123456789abcdef\"
agent_id = 1000002
secret = { env = \"WECOM_SECRET\" }
```

- camsync 不认识的键是错误，与本页不符的写法也都是错误。一个文件的所有错误会一次报出，各带行与列。`camsync check` 只检查，不启动任何东西。
- 守护进程运行时，修改会在几秒内生效，收到 SIGHUP 则立即生效；审计会记下改了什么。有错误的修改会整体被拒绝，原因见日志与 `camsync status`，
  原来的配置继续有效。`data_dir` 与 `listen` 在进程运行期间不能改变：改了其中之一的文件会被拒绝，直到 camsync 重启。
- 此版本尚未具备的功能见 [contract.md](contract.md)。
- 授权规则授予与收回什么、离职者如何离开，见 [access.zh-CN.md](access.zh-CN.md)；门户见 [portal.zh-CN.md](portal.zh-CN.md)。
- **密钥**从不写在文件里，只写来处：`{ env = \"NAME\" }` 是环境变量；`{ file = \"PATH\" }` 是只含该密钥的文件（变化后自动重读）；
  `{ credential = \"NAME\" }` 是 systemd 交给服务的凭据（`LoadCredential=NAME:PATH`）。`camsync config show` 显示来处，从不显示值。
- **路径**：相对路径从配置文件所在的目录算起。
- **时长**写作 `\"30s\"`、`\"10m\"`、`\"1h30m\"`、`\"30d\"`；**大小**写作 `\"32MiB\"`、`\"1GiB\"`。
- **拉取时间**用 cron 的写法：分、时、日、月、星期；写六个字段时，最前面是秒。可用名称（`jan`、`mon`）、范围、步长（`*/10`、`8-18/2`）与列表；
  星期从 0（星期日）到 6，7 也是星期日。日与星期都有限制时，符合其一即可；以 `*` 开头的字段不算限制。时钟拨快时，落在空档里的只在空档结束时执行一次；
  时钟拨慢时，重复的那一小时里的只执行一次，除非每小时都要执行。
";

const RULES: &str = "
## 规则

`when` 与 `approve_when` 是条件，`username`、`remark` 与 `groups` 是可含 `{{ }}` 的文本，用的是同一种语言：
[minijinja](https://docs.rs/minijinja/latest/minijinja/syntax/index.html)。名称写错，读取文件时就会报错。规则对某个成员无法求值时，
跳过该成员并说明原因，不移除任何人。

```toml
[[admit]]
when = \"member.status == 'active' and '外包' not in member.department_names\"

[[grant]]
when = \"'研发' in member.department_path\"
groups = [\"rd\", \"wecom-{{ member.main_department }}\"]
```

规则中可用下列名称。未注明的都是文本，身份源没有提供时为空：

| 名称 | 含义 |
| --- | --- |
";

const AFTER_RULES: &str = "
在身份源中被禁用的成员会被停用，也不会为其创建子用户；已离开的按离开者处理；从未加入的，只有写了 `invited = true` 的规则才会准入。
";
