//! The manual's own words in English.

use super::Page;

pub(super) const PAGE: Page = Page {
    introduction: INTRODUCTION,
    required_table: "Required.",
    head: "| key | value | without it | meaning |",
    below: "below: ",
    required: "*required*",
    each_own: "each key's own",
    none: "none",
    rules: RULES,
    after_rules: AFTER_RULES,
};

const INTRODUCTION: &str = "\
# Configuration

中文：[configuration.zh-CN.md](configuration.zh-CN.md)

<!-- Made from the program's own declarations; a test compares the two. To write it anew:
     UPDATE=1 cargo test -p camsync-config -->

camsync reads one TOML file: the one that `--config FILE` or `CAMSYNC_CONFIG` names, else `camsync.toml`, else
`/etc/camsync/camsync.toml`. [`config/camsync.toml`](../config/camsync.toml) is a sample with every key, and
[`config/camsync.schema.json`](../config/camsync.schema.json) a JSON Schema for editors. The least that it holds:

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

- A key that camsync does not know is an error, and so is everything else that is not as this page says. All errors
  of a file are reported together, each with line and column. `camsync check` reports them without starting anything.
- An edit is taken up within seconds while the daemon runs, and at once on SIGHUP; the audit says what changed. A broken
  edit is refused whole with the reason, in the log and in `camsync status`, and what held before goes on. `data_dir` and
  `listen` belong to a process for its life: a file that changes one of them is refused until camsync is restarted.
- [contract.md](contract.md) says what is not there in this version.
- What grant rules give and take, and how a leaver goes, is in [access.md](access.md); what the portal does in [portal.md](portal.md).
- **Secrets** never stand in the file: it says where each comes from. `{ env = \"NAME\" }` is an environment variable,
  `{ file = \"PATH\" }` a file with the secret alone in it (read again when it changes), `{ credential = \"NAME\" }` a
  credential that systemd hands over (`LoadCredential=NAME:PATH`). `camsync config show` shows the place, never the value.
- **Paths** that are relative start from the file's own folder.
- **Durations** are written `\"30s\"`, `\"10m\"`, `\"1h30m\"`, `\"30d\"`; **sizes** `\"32MiB\"`, `\"1GiB\"`.
- **Schedules** are cron's: minute, hour, day of the month, month, day of the week, with seconds before them if there
  are six. Names (`jan`, `mon`), ranges, steps (`*/10`, `8-18/2`) and lists are understood; weekdays run from 0 (Sunday)
  to 6, and 7 is Sunday too. If both day fields are restricted, a day that matches either counts; one that begins with
  `*` does not restrict. When a clock is put forward, what falls into the gap comes once at its end; when it is put
  back, what stands in the repeated hour comes once, unless the schedule is for every hour.
";

const RULES: &str = "
## Rules

`when` and `approve_when` are conditions, `username`, `remark` and `groups` texts with `{{ }}` in them: one language,
[minijinja's](https://docs.rs/minijinja/latest/minijinja/syntax/index.html). A misspelt name is an error when the file
is read. A rule that cannot be evaluated on a member skips that member, says so, and removes nobody.

```toml
[[admit]]
when = \"member.status == 'active' and 'Contractors' not in member.department_names\"

[[grant]]
when = \"'R&D' in member.department_path\"
groups = [\"rd\", \"wecom-{{ member.main_department }}\"]
```

Rules see these names. All are text unless said otherwise, and empty when the provider gives nothing:

| name | meaning |
| --- | --- |
";

const AFTER_RULES: &str = "
Members whom the provider has disabled are suspended and never created; those who left are leavers; those who never
joined are admitted only by a rule with `invited = true`.
";
