//! After the story: the enterprise lives on, the daemon follows by its own schedule, and the viewer tries things out.

use std::time::{Duration, Instant};

use camsync_simulators::{cam, wecom};

use crate::ops::{ListOptions, OpError, Request};

use super::stage::Stage;
use super::world::{SOURCE, World};

/// Something happens this often.
const BEAT: Duration = Duration::from_secs(20);
/// The daemon looks every 10 s, at most 30 s later after a pause; the viewer may also have frozen it.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);
/// New people, by turns.
const NAMES: [&str; 6] = ["周启明", "沈佳宜", "陆远航", "顾清欢", "程立雪", "叶知秋"];

/// Lives on for as long as it is awaited.
pub(super) async fn go_on(world: &World, stage: &mut Stage<'_>) -> Result<(), OpError> {
    stage.chapter("接下来由您操作", "Now it is yours").await;
    stage.command(&format!("camsync sources resume {SOURCE}"));
    let name = SOURCE.to_owned();
    world
        .ask(Request::PauseSource {
            name,
            paused: false,
        })
        .await?;
    what_to_type(world, stage);
    let mut turn = 0;
    loop {
        tokio::time::sleep(BEAT).await;
        beat(world, stage, turn).await;
        turn += 1;
    }
}

fn what_to_type(world: &World, stage: &Stage<'_>) {
    stage.tell(
        "守护进程继续运行，每 10 秒同步一次。请在另一个终端里输入：",
        "The daemon goes on, and looks every 10 s. Type this in another terminal:",
    );
    let program = super::program();
    stage.say(&format!(
        "    export CAMSYNC_SOCKET={}",
        world.socket().display()
    ));
    for words in [
        "status",
        "members explain linxiaoyu",
        "members list --status problem",
        "plans list",
        "changes list --limit 10",
        "audit --limit 10",
    ] {
        stage.say(&format!("    {program} {words}"));
    }
    stage.tell(
        format!(
            "日志：{}/daemon.log。按 Ctrl-C 结束。",
            world.folder().display()
        ),
        format!(
            "Its log is {}/daemon.log. Ctrl-C ends it all.",
            world.folder().display()
        ),
    );
    stage.say("");
}

/// One thing happens to one person, and is followed until the cloud shows it. What the viewer does meanwhile is
/// the viewer's business: nothing here is an error.
async fn beat(world: &World, stage: &Stage<'_>, turn: usize) {
    let round = turn / 6;
    let (id, name) = (format!("new{:02}", round + 1), NAMES[round % NAMES.len()]);
    let user = |world: &World| world.cam.user(&id);
    match turn % 6 {
        0 => {
            world.wecom.add_member(&id, name, &[2]);
            let words = stage.pick(
                format!("{name}（{id}）入职"),
                format!("{name} ({id}) joins"),
            );
            let told = (stage.pick("已创建子用户", "sub-user created"), words);
            follow(world, stage, &id, told, || user(world).is_some()).await;
        }
        1 => {
            let renamed = format!("{name}（平台组）");
            world.wecom.rename_member(&id, &renamed);
            let words = stage.pick(
                format!("{id} 改名为{renamed}"),
                format!("{id} is called {renamed} now"),
            );
            let told = (stage.pick("备注已更新", "remark updated"), words);
            follow(world, stage, &id, told, || {
                user(world).is_some_and(|u| u.remark.starts_with(&renamed))
            })
            .await;
        }
        2 => {
            world.wecom.set_status(&id, wecom::Status::Disabled);
            let words = stage.pick(
                format!("{id} 在企业微信被禁用"),
                format!("{id} is disabled in WeCom"),
            );
            let told = (stage.pick("已关闭登录", "sign-in off"), words);
            follow(world, stage, &id, told, || signs_in(&user(world), false)).await;
        }
        3 => {
            world.wecom.set_status(&id, wecom::Status::Active);
            let words = stage.pick(format!("{id} 重新启用"), format!("{id} is enabled again"));
            let told = (stage.pick("已恢复登录", "sign-in on"), words);
            follow(world, stage, &id, told, || signs_in(&user(world), true)).await;
        }
        4 => {
            // Nothing to spoil when the viewer has released or deleted it.
            let good = user(world).map(|u| u.remark).unwrap_or_default();
            let _ = world.cam.set_remark(&id, "edited by hand");
            let words = stage.pick(
                format!("{id} 的备注被手工修改"),
                format!("the remark of {id} is edited by hand"),
            );
            let told = (stage.pick("已修复", "repaired"), words);
            follow(world, stage, &id, told, || {
                user(world).is_some_and(|u| u.remark == good)
            })
            .await;
        }
        _ => {
            world.wecom.remove_member(&id);
            let words = stage.pick(
                format!("{name}（{id}）离职"),
                format!("{name} ({id}) leaves"),
            );
            let told = (stage.pick("已关闭登录", "sign-in off"), words);
            follow(world, stage, &id, told, || signs_in(&user(world), false)).await;
        }
    }
}

fn signs_in(user: &Option<cam::User>, on: bool) -> bool {
    user.as_ref().is_some_and(|u| u.console_login == on)
}

/// Waits until the cloud shows it, and says what became of it in one line.
async fn follow(
    world: &World,
    stage: &Stage<'_>,
    id: &str,
    (outcome, what): (&str, String),
    shown: impl Fn() -> bool,
) {
    let time = chrono::Local::now().format("%H:%M:%S");
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if shown() {
            let seconds = began.elapsed().as_secs_f64();
            stage.done(
                format!("{time} {what} → {outcome}（{seconds:.1} 秒）"),
                format!("{time} {what} → {outcome} ({seconds:.1} s)"),
            );
            return;
        }
        if let Some(plan) = held_for(world, id).await {
            let program = super::program();
            stage.attention(
                format!("{time} {what} → 防护拦下，见计划 {plan}：{program} plans approve {plan}"),
                format!("{time} {what} → the guard holds it as plan {plan}: {program} plans approve {plan}"),
            );
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    stage.attention(
        format!("{time} {what} → 尚未生效，原因见 members explain {id}"),
        format!("{time} {what} → not yet; `members explain {id}` says why"),
    );
}

/// The held plan that shows this sub-user.
async fn held_for(world: &World, id: &str) -> Option<i64> {
    let options = ListOptions {
        status: Some("held".into()),
        ..ListOptions::default()
    };
    let plans = world.ask(Request::Plans(options)).await.ok()?;
    for plan in plans["plans"].as_array()? {
        let number = plan["id"].as_i64()?;
        let shown = world.ask(Request::ShowPlan { id: number }).await.ok()?;
        let mut items = shown["plan"]["items"].as_array()?.iter();
        if items.any(|item| item["username"] == id) {
            return Some(number);
        }
    }
    None
}
