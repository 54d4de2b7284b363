//! `camsync demo`: the real daemon on loopback, between a simulated WeCom and a simulated CAM, telling its own story.
//!
//! Nothing here imitates the product: the demo starts `camsync run` as a child process, asks it over its socket as
//! any command does, and plays the people around it: those who join and leave, and the administrator. Whatever it
//! says has happened, it has seen in the simulated cloud; what it does not see ends it with an error.

mod access;
mod life;
mod stage;
mod story;
mod world;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::screen::Screen;
use crate::ops::OpError;

use stage::Stage;
use world::World;

/// Fewer members leave nothing to show a mass departure with.
const FEWEST: usize = 20;
/// At CAM's usual rate a first import of more is no demo any more.
const MOST: usize = 5000;

/// Plays the demo. `once` plays it without pauses and ends; otherwise it lives on until SIGINT or SIGTERM.
///
/// # Errors
/// When something did not happen as it is told, or nothing can be started here.
pub(crate) async fn run(
    once: bool,
    members: usize,
    language: &'static str,
    screen: &Screen,
) -> Result<u8, OpError> {
    if !(FEWEST..=MOST).contains(&members) {
        return Err(OpError::usage(format!(
            "--members: {members} is not within {FEWEST} and {MOST}"
        )));
    }
    let failed = |e: std::io::Error| OpError::failed(format!("signals cannot be taken: {e}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut stage = Stage::new(screen, language, once);
    let world = World::open(members, language).await?;
    let told = tokio::select! {
        told = tell(&world, &mut stage) => told.map(|()| 0),
        // Cut short, it has not shown what it was asked to show.
        _ = interrupt.recv() => Ok(u8::from(once)),
        _ = terminate.recv() => Ok(u8::from(once)),
    };
    screen.finish();
    let closed = world.close().await;
    let code = told?;
    closed?;
    stage.done(
        "演示结束：守护进程已停止，临时目录已删除。",
        "The demo is over: the daemon has ended, and its folder is gone.",
    );
    Ok(code)
}

async fn tell(world: &World, stage: &mut Stage<'_>) -> Result<(), OpError> {
    story::tell(world, stage).await?;
    if stage.once() {
        return Ok(());
    }
    life::go_on(world, stage).await
}

/// This program, as it was called.
fn program() -> String {
    std::env::args()
        .next()
        .filter(|name| !name.contains(char::is_whitespace))
        .unwrap_or_else(|| "camsync".into())
}
