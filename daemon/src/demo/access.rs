//! The demo's chapter on grants: a rule is added to the file, and everybody is in the group of their department.

use std::fmt::Write as _;

use crate::ops::{OpError, Request};

use super::stage::Stage;
use super::story::{explain, seen};
use super::world::World;

const RULE: &str = r#"
[[grant]]
groups = ["dept-{{ member.main_department }}"]
"#;

/// Adds the rule to the running daemon's file, and waits until CAM agrees. `conflicting` has no sub-user to give to.
pub(super) async fn grants(
    world: &World,
    stage: &mut Stage<'_>,
    conflicting: &str,
) -> Result<(), OpError> {
    stage
        .chapter(
            "授权：按部门加入用户组",
            "Grants: groups by department, from one rule",
        )
        .await;
    let file = world.config_file();
    let mut text = std::fs::read_to_string(&file).map_err(|e| failed(&e))?;
    let _ = write!(text, "{RULE}");
    std::fs::write(&file, text).map_err(|e| failed(&e))?;
    stage.tell(
        "在 camsync.toml 末尾加入一条规则；守护进程自行重读配置：",
        "a rule is added to camsync.toml, and the running daemon takes it up by itself:",
    );
    for line in RULE.trim().lines() {
        stage.tell(line, line);
    }
    let mut ids = world.expected();
    ids.retain(|id| id != conflicting);
    world
        .until(
            "everybody is in the group of their department",
            async || {
                let granted = world
                    .cam
                    .with(|cloud| ids.iter().all(|id| !cloud.groups_of(id).is_empty()));
                // What CAM shows is not yet what the ledger has.
                let changes = world.ask(Request::Status).await?["changes"].take();
                let open = ["pending", "in_flight"].map(|status| changes[status].as_u64());
                let recorded = open.into_iter().flatten().sum::<u64>() == 0;
                Ok((granted && recorded).then_some(()))
            },
        )
        .await?;
    let groups = world.cam.with(|cloud| {
        let of = |id: &String| cloud.groups_of(id);
        let all: std::collections::BTreeSet<String> = ids.iter().flat_map(of).collect();
        all.len()
    });
    let people = ids.len();
    stage.done(
        format!("{people} 人已加入 {groups} 个用户组；他人手工授予的一概不动"),
        format!("{people} people are in {groups} groups; what others gave by hand is left alone"),
    );
    let one = ids.first();
    seen(one.is_some(), || "somebody to explain".into())?;
    match one {
        Some(id) => explain(world, stage, id).await,
        None => Ok(()),
    }
}

fn failed(error: &std::io::Error) -> OpError {
    OpError::failed(format!("the demo's configuration: {error}"))
}
