//! The story: one chapter after the other, each of which checks in the cloud what it tells.

use std::time::Instant;

use camsync_simulators::cam::{Actor, User};
use serde_json::Value;
use tokio::time::Duration;

use crate::ops::{ListOptions, OpError, Request};
use crate::pipeline::Progress;
use crate::say;

use super::access;
use super::stage::Stage;
use super::world::{SOURCE, World};

/// The one who joins, and later leaves.
const JOINER: (&str, &str, u32) = ("linxiaoyu", "林晓雨", 2);
/// The one whose name in the cloud is somebody else's.
const NAMESAKE: (&str, &str, u32) = ("ops", "欧平", 3);
/// How many join at once while the daemon is killed.
const HIRED_AT_ONCE: usize = 12;
/// How long the viewer has to decide on the held plan in the demo's stead.
const DECISION: Duration = Duration::from_secs(30);

/// Tells the whole story.
pub(super) async fn tell(world: &World, stage: &mut Stage<'_>) -> Result<(), OpError> {
    opening(world, stage);
    link(world, stage).await?;
    first_import(world, stage).await?;
    quiet_pass(world, stage).await?;
    joiner(world, stage).await?;
    killed(world, stage).await?;
    leaver(world, stage).await?;
    mass_departure(world, stage).await?;
    drift(world, stage).await?;
    conflict(world, stage).await?;
    access::grants(world, stage, NAMESAKE.0).await?;
    record(world, stage).await
}

/// What was told must have happened.
pub(super) fn seen(happened: bool, what: impl FnOnce() -> String) -> Result<(), OpError> {
    if happened {
        return Ok(());
    }
    let what = what();
    Err(OpError::failed(format!(
        "the demo expected this, and did not see it: {what}"
    )))
}

fn sub_user(world: &World, name: &str) -> Result<User, OpError> {
    world.cam.user(name).ok_or_else(|| {
        OpError::failed(format!(
            "the demo expected a sub-user {name}, and did not see it"
        ))
    })
}

async fn sync(world: &World, stage: &Stage<'_>) -> Result<Value, OpError> {
    stage.command(&format!("camsync sources sync {SOURCE}"));
    let report = world
        .ask(Request::Sync {
            source: Some(SOURCE.into()),
            timeout_seconds: 120,
        })
        .await?;
    seen(report["ok"] == true, || format!("a good pass: {report}"))?;
    Ok(report)
}

pub(super) async fn explain(world: &World, stage: &Stage<'_>, id: &str) -> Result<(), OpError> {
    stage.command(&format!("camsync members explain {id}"));
    let told = world
        .ask(Request::Explain {
            id: id.into(),
            source: None,
        })
        .await?;
    let answers: Vec<say::Answer> =
        serde_json::from_value(told["member"]["answer_details"].clone()).unwrap_or_default();
    seen(!answers.is_empty(), || format!("an answer about {id}"))?;
    for answer in &answers {
        stage.tell(say::answer("zh", answer), say::answer("en", answer));
    }
    Ok(())
}

fn opening(world: &World, stage: &Stage<'_>) {
    let (members, departments) = world.wecom.with(|e| (e.members.len(), e.departments.len()));
    stage.say(stage.pick(
        "camsync 演示：本机上的企业微信与 CAM 模拟器，加上真正的守护进程。",
        "camsync demo: WeCom and CAM simulators on loopback, and the real daemon between them.",
    ));
    stage.tell(
        format!(
            "企业微信  {}   {departments} 个部门，{members} 名成员",
            world.wecom.url()
        ),
        format!(
            "WeCom    {}   {departments} departments, {members} members",
            world.wecom.url()
        ),
    );
    stage.tell(
        format!("CAM      {}   没有任何子用户", world.cam.url()),
        format!("CAM      {}   no sub-users yet", world.cam.url()),
    );
    stage.tell(
        format!("目录      {}（结束时删除）", world.folder().display()),
        format!("folder   {} (removed at the end)", world.folder().display()),
    );
}

/// Which enterprise, which visible range, which account.
async fn link(world: &World, stage: &mut Stage<'_>) -> Result<(), OpError> {
    stage
        .chapter(
            "关联：哪个企业、看得见谁、哪个账号",
            "The link: which enterprise, which visible range, which account",
        )
        .await;
    stage.command("camsync check");
    let report = world.command(&["check"]).await?;
    for finding in report["findings"].as_array().into_iter().flatten() {
        let word = |key: &str| finding[key].as_str().unwrap_or_default();
        let line = format!("{}: {}", word("about"), word("message"));
        if word("severity") == "ok" {
            stage.done(&line, &line);
        } else {
            stage.tell(&line, &line);
        }
    }
    seen(report["ok"] == true, || format!("a good check: {report}"))
}

/// The daemon crawls a source that was never crawled as soon as it starts.
async fn first_import(world: &World, stage: &mut Stage<'_>) -> Result<(), OpError> {
    stage.chapter("首次导入", "The first import").await;
    stage.command("camsync run");
    let expected = world.expected();
    let began = Instant::now();
    world.start_daemon().await?;
    let bar = stage.screen().progress(false);
    world
        .until("everyone is imported", async || {
            let status = world.ask(Request::Status).await?;
            let count = |word: &str| status["changes"][word].as_u64().unwrap_or(0);
            let waits = count("pending") + count("in_flight");
            let (applied, failed) = (count("applied"), count("failed"));
            let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
            if waits + applied > 0 {
                bar.say(Progress::Applying {
                    done: size(applied + failed),
                    total: size(waits + applied + failed),
                    failed: size(failed),
                });
            }
            let done = status["sources"][0]["state"] == "ok"
                && waits == 0
                && world.cam.user_names().len() >= expected.len();
            Ok(done.then_some(()))
        })
        .await?;
    stage.screen().finish();
    for name in &expected {
        let times = world.cam.times_created(name);
        seen(times == 1, || {
            format!("{name} created once, not {times} times")
        })?;
    }
    let (made, seconds) = (expected.len(), began.elapsed().as_secs_f64());
    stage.done(
        format!("{made} 名可见且已激活的成员各有一个子用户，各创建一次，用时 {seconds:.1} 秒"),
        format!("{made} active members in sight have a sub-user each, created once each, in {seconds:.1} s"),
    );
    let unseen = world.wecom.with(|e| e.members.len()) - made;
    stage.tell(
        format!("另外 {unseen} 名成员没有：不在可见范围内、已禁用或未激活"),
        format!("{unseen} others have none: out of the visible range, disabled, or never joined"),
    );
    // From here on a pass comes when the story asks for one, so that each shows its own numbers.
    stage.command(&format!("camsync sources pause {SOURCE}"));
    let name = SOURCE.to_owned();
    world
        .ask(Request::PauseSource { name, paused: true })
        .await?;
    Ok(())
}

async fn quiet_pass(world: &World, stage: &mut Stage<'_>) -> Result<(), OpError> {
    stage
        .chapter(
            "安静的一轮：没有变化，就什么也不写",
            "A quiet pass: nothing has changed, so nothing is written",
        )
        .await;
    // A scheduled pass that was under way ends before this one begins; the one after it is counted.
    sync_silently(world).await?;
    world.wecom.clear_log();
    world.cam.clear_log();
    let began = Instant::now();
    let report = sync(world, stage).await?;
    let milliseconds = began.elapsed().as_millis();
    let (asked, read) = (world.wecom.log().len(), world.cam.log().len());
    let writes = world.cam.writes();
    seen(writes.is_empty(), || format!("no writes: {writes:?}"))?;
    let changes = report["changes"].as_array().map_or(0, Vec::len);
    seen(changes == 0, || format!("no changes: {report}"))?;
    stage.done(
        format!(
            "企业微信请求 {asked} 次，CAM 读取 {read} 次，CAM 写入 0 次，用时 {milliseconds} 毫秒"
        ),
        format!(
            "{asked} requests to WeCom, {read} reads of CAM, 0 writes to CAM, in {milliseconds} ms"
        ),
    );
    Ok(())
}

async fn sync_silently(world: &World) -> Result<(), OpError> {
    let request = Request::Sync {
        source: Some(SOURCE.into()),
        timeout_seconds: 120,
    };
    world.ask(request).await.map(drop)
}

async fn joiner(world: &World, stage: &mut Stage<'_>) -> Result<(), OpError> {
    let (id, name, department) = JOINER;
    stage.chapter("有人入职", "A joiner").await;
    stage.tell(
        format!("人事在企业微信里加入了{name}（{id}）"),
        format!("HR adds {name} ({id}) in WeCom"),
    );
    world.wecom.add_member(id, name, &[department]);
    sync(world, stage).await?;
    let made = sub_user(world, id)?;
    seen(made.console_login, || format!("{id} may sign in"))?;
    stage.done(
        format!("子用户 {id}：Uin {}，备注“{}”", made.uin, made.remark),
        format!(
            "sub-user {id}: Uin {}, remark \"{}\"",
            made.uin, made.remark
        ),
    );
    Ok(())
}

/// `kill -9` between a write and its answer: the daemon reads what became of it, and creates nobody twice.
async fn killed(world: &World, stage: &mut Stage<'_>) -> Result<(), OpError> {
    stage
        .chapter(
            "kill -9：正在创建时守护进程被杀",
            "kill -9 while sub-users are being created",
        )
        .await;
    let hired: Vec<String> = (1..=HIRED_AT_ONCE).map(|n| format!("hire{n:02}")).collect();
    for (number, id) in hired.iter().enumerate() {
        world
            .wecom
            .add_member(id, &format!("新人{}", number + 1), &[4]);
    }
    stage.tell(
        format!("{HIRED_AT_ONCE} 人同时入职"),
        format!("{HIRED_AT_ONCE} people join at once"),
    );
    world.cam.clear_log();
    stage.command(&format!("camsync sources sync {SOURCE}"));
    tokio::select! {
        ended = sync_silently(world) => {
            ended?;
            seen(false, || "the pass outlives its fifth creation".into())?;
        }
        () = world.cam.wait_for("AddUser", 5) => {}
    }
    world.kill_daemon().await?;
    let before = hired
        .iter()
        .filter(|id| world.cam.user(id).is_some())
        .count();
    stage.attention(
        format!("此刻 CAM 里已有 {before} 人；守护进程被 kill -9，再次启动"),
        format!("CAM has {before} of them at that moment; the daemon is killed, and started again"),
    );
    stage.command("camsync run");
    world.start_daemon().await?;
    world
        .until("the rest is created", async || {
            let status = world.ask(Request::Status).await?;
            let waits = ["pending", "in_flight"].map(|word| status["changes"][word].as_u64());
            let there = hired.iter().all(|id| world.cam.user(id).is_some());
            Ok((there && waits == [Some(0); 2]).then_some(()))
        })
        .await?;
    for id in &hired {
        let times = world.cam.times_created(id);
        seen(times == 1, || {
            format!("{id} created once, not {times} times")
        })?;
    }
    stage.done(
        format!("{HIRED_AT_ONCE} 人各创建一次，不多不少"),
        format!("all {HIRED_AT_ONCE} are there, created once each"),
    );
    Ok(())
}

async fn leaver(world: &World, stage: &mut Stage<'_>) -> Result<(), OpError> {
    let (id, name, _) = JOINER;
    stage.chapter("有人离职", "A leaver").await;
    stage.tell(
        format!("{name}（{id}）离开了企业"),
        format!("{name} ({id}) leaves the enterprise"),
    );
    world.wecom.remove_member(id);
    sync(world, stage).await?;
    seen(!sub_user(world, id)?.console_login, || {
        format!("{id} cannot sign in any more")
    })?;
    stage.done("已关闭控制台登录", "console sign-in is off");
    explain(world, stage, id).await
}

/// More people vanish than the guard lets go without a person.
async fn mass_departure(world: &World, stage: &mut Stage<'_>) -> Result<(), OpError> {
    stage
        .chapter(
            "大批成员消失：防护拦下，等人批准",
            "A mass departure: the guard waits for a person",
        )
        .await;
    let gone: Vec<String> = world.expected().into_iter().take(mass(world)).collect();
    world.wecom.with(|enterprise| {
        for id in &gone {
            enterprise.remove_member(id);
        }
    });
    let count = gone.len();
    stage.tell(
        format!("{count} 名成员忽然从企业微信消失：是真的，还是人事系统出错？"),
        format!("{count} members vanish from WeCom at once: for real, or did the HR system err?"),
    );
    sync(world, stage).await?;
    let still = |world: &World| -> Result<usize, OpError> {
        let mut may = 0;
        for id in &gone {
            may += usize::from(sub_user(world, id)?.console_login);
        }
        Ok(may)
    };
    let may = still(world)?;
    seen(may == count, || {
        format!("all {count} may still sign in, not {may}")
    })?;
    let plan = held_plan(world, count).await?;
    let (id, limit) = (plan["id"].as_i64().unwrap_or_default(), &plan["limit"]);
    let evidence = plan["evidence"].as_str().unwrap_or_default();
    stage.attention(
        format!("计划 {id} 被拦下：{count} 项移除，依据“{}”，限额 {limit}；无人失去权限", say::term("zh", evidence)),
        format!("plan {id} is held: {count} removals, evidence {evidence}, limit {limit}; nobody has lost access"),
    );
    decide(world, stage, id).await?;
    let plan = world.ask(Request::ShowPlan { id }).await?;
    let may = still(world)?;
    if plan["plan"]["status"] == "discarded" {
        seen(may == count, || {
            format!("all {count} may still sign in, not {may}")
        })?;
        stage.done(
            format!("计划 {id} 已驳回：{count} 人照常登录，直到名单变长才会再问"),
            format!("plan {id} is discarded: all {count} keep their access, and nobody is asked again until it grows"),
        );
        return Ok(());
    }
    seen(may == 0, || {
        format!("nobody of the {count} may sign in, not {may}")
    })?;
    stage.done(
        format!("已批准：恰好这 {count} 人的登录被关闭"),
        format!("approved: sign-in is off for exactly these {count}"),
    );
    Ok(())
}

/// More than the guard's least limit and more than its share, yet a minority.
fn mass(world: &World) -> usize {
    (world.expected().len() / 6).max(6)
}

async fn held_plan(world: &World, count: usize) -> Result<Value, OpError> {
    let options = ListOptions {
        status: Some("held".into()),
        ..ListOptions::default()
    };
    let plans = world.ask(Request::Plans(options)).await?;
    let wanted = |p: &&Value| p["removals"].as_u64() == u64::try_from(count).ok();
    let plan = plans["plans"].as_array().into_iter().flatten().find(wanted);
    plan.cloned().ok_or_else(|| {
        OpError::failed(format!(
            "the demo expected a held plan of {count} removals: {plans}"
        ))
    })
}

/// The viewer may decide; after a while, or at once when nobody is to be waited for, the demo approves.
async fn decide(world: &World, stage: &Stage<'_>, id: i64) -> Result<(), OpError> {
    if !stage.once() {
        let wait = DECISION.as_secs();
        stage.tell(
            format!("请在另一个终端决定；{wait} 秒后演示自行批准："),
            format!("Decide in another terminal, or the demo approves in {wait} s:"),
        );
        let socket = world.socket();
        for verb in ["show", "approve", "discard"] {
            stage.command(&format!(
                "{} --socket {} plans {verb} {id}",
                super::program(),
                socket.display()
            ));
        }
        let decided = world.until("the plan is decided on", async || {
            let plan = world.ask(Request::ShowPlan { id }).await?;
            Ok((plan["plan"]["status"] != "held").then_some(()))
        });
        if let Ok(decided) = tokio::time::timeout(DECISION, decided).await {
            return decided;
        }
    }
    stage.command(&format!("camsync plans approve {id}"));
    match world.ask(Request::ApprovePlan { id }).await {
        Ok(_) => Ok(()),
        // The viewer was faster by a moment.
        Err(error) => {
            let plan = world.ask(Request::ShowPlan { id }).await?;
            let decided = plan["plan"]["status"] != "held";
            if decided { Ok(()) } else { Err(error) }
        }
    }
}

async fn drift(world: &World, stage: &mut Stage<'_>) -> Result<(), OpError> {
    stage
        .chapter(
            "漂移：有人在控制台里手工修改",
            "Drift: somebody edits by hand in the console",
        )
        .await;
    let id = world
        .expected()
        .into_iter()
        .next_back()
        .ok_or_else(|| OpError::failed("nobody is left"))?;
    let good = sub_user(world, &id)?.remark;
    world
        .cam
        .set_remark(&id, "temp account, ask Bob")
        .map_err(OpError::failed)?;
    stage.tell(
        format!("{id} 的备注被改为“temp account, ask Bob”"),
        format!("the remark of {id} now reads \"temp account, ask Bob\""),
    );
    sync(world, stage).await?;
    let now = sub_user(world, &id)?.remark;
    seen(now == good, || {
        format!("the remark `{good}` back, not `{now}`")
    })?;
    stage.done(format!("已修复：“{now}”"), format!("repaired: \"{now}\""));
    Ok(())
}

async fn conflict(world: &World, stage: &mut Stage<'_>) -> Result<(), OpError> {
    let (id, name, department) = NAMESAKE;
    stage
        .chapter(
            "重名：名字已属于别人",
            "A conflict: the name is somebody else's",
        )
        .await;
    world
        .cam
        .add_user(id, camsync_simulators::cam::UserKind::SubUser);
    world.wecom.add_member(id, name, &[department]);
    stage.tell(
        format!("控制台里早有一个手工创建的子用户 {id}；现在{name}（{id}）入职"),
        format!("CAM has a sub-user {id} that a person made; now {name} ({id}) joins"),
    );
    let before = sub_user(world, id)?;
    sync(world, stage).await?;
    let after = sub_user(world, id)?;
    seen(
        before.uin == after.uin && before.remark == after.remark,
        || format!("{id} untouched"),
    )?;
    let by_us = |w: &camsync_simulators::cam::Write| w.by != Actor::ByHand;
    let touched = world.cam.history_of(id).iter().any(by_us);
    seen(!touched, || format!("no write by camsync to {id}"))?;
    stage.attention(
        "不是 camsync 管理的子用户，绝不改动；冲突已上报：",
        "what camsync does not manage it never touches; the conflict is reported:",
    );
    explain(world, stage, id).await
}

async fn record(world: &World, stage: &mut Stage<'_>) -> Result<(), OpError> {
    stage
        .chapter(
            "台账：每次写入都有据可查",
            "The ledger: every write is on record",
        )
        .await;
    stage.command("camsync changes list --limit 6");
    let options = ListOptions {
        limit: 6,
        ..ListOptions::default()
    };
    let newest = world.ask(Request::Changes(options)).await?;
    for row in newest["changes"].as_array().into_iter().flatten() {
        let id = row["id"].as_i64().unwrap_or_default();
        let change = world.ask(Request::Change { id }).await?;
        let last = change["change"]["history"]
            .as_array()
            .and_then(|h| h.last());
        let request = last.and_then(|a| a["request_id"].as_str()).unwrap_or("-");
        let word = |key: &str| row[key].as_str().unwrap_or_default();
        let line = format!(
            "#{id:<4} {:<13} {:<18} {:<8} {} × RequestId {request}",
            word("kind"),
            word("username"),
            word("status"),
            row["attempts"],
        );
        stage.tell(&line, &line);
    }
    let status = world.ask(Request::Status).await?;
    let applied = status["changes"]["applied"].as_u64().unwrap_or(0);
    let ours = |w: &camsync_simulators::cam::Write| w.by != Actor::ByHand;
    let history = world.cam.history();
    let writes = history.iter().filter(|w| ours(w)).count();
    seen(u64::try_from(writes).ok() == Some(applied), || {
        format!("as many applied changes as writes in CAM: {applied} and {writes}")
    })?;
    stage.done(
        format!("CAM 共收到 camsync 的 {writes} 次有效写入，台账里恰有 {applied} 条已应用的变更"),
        format!("CAM saw {writes} effective writes by camsync; the ledger has exactly {applied} applied changes"),
    );
    Ok(())
}
