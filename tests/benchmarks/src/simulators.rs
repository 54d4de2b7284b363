//! Both simulators, loaded with an enterprise, until standard input ends.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead as _, Write as _};
use std::time::Duration;

use camsync_simulators::{cam, wecom};
use serde_json::{Value, json};

/// The same enterprise in every run.
const SEED: u64 = 20_000;

/// Prints where the simulators are as one line of JSON, then obeys one command a line, each answered with one line:
/// `latency MS` for both, `cam-rate FACTOR` (0: no limit), `clear` forgets the requests so far, `counts` tells them.
pub(crate) fn serve(members: usize, departments: usize) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let wecom_options = wecom::Options {
        per_minute: None,
        ..wecom::Options::default()
    };
    let cam_options = cam::Options {
        rate: None,
        quotas: cam::Quotas {
            users: 1_000_000,
            ..cam::Quotas::default()
        },
        ..cam::Options::default()
    };
    let settings = json!({
        "corp_id": wecom_options.corp_id,
        "agent_id": wecom_options.agent_id,
        "wecom_secret": wecom_options.secret,
        "secret_id": cam_options.secret_id,
        "secret_key": cam_options.secret_key,
    });
    let wecom = runtime.block_on(wecom::Simulator::start(wecom_options))?;
    let cam = runtime.block_on(cam::Simulator::start(cam_options))?;
    wecom.load(wecom::Enterprise::generate(SEED, members, departments));
    wecom.set_range(wecom::VisibleRange::departments(&[1]));
    say(&json!({ "wecom": wecom.url(), "cam": cam.url(), "settings": settings }))?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["latency", ms] => {
                let latency = Duration::from_millis(ms.parse()?);
                wecom.configure(|options| options.latency = latency);
                cam.configure(|options| options.latency = latency);
                say(&Value::Null)?;
            }
            ["cam-rate", factor] => {
                let factor: f64 = factor.parse()?;
                cam.configure(|options| options.rate = (factor > 0.0).then_some(factor));
                cam.refill();
                say(&Value::Null)?;
            }
            ["clear"] => {
                wecom.clear_log();
                cam.clear_log();
                say(&Value::Null)?;
            }
            ["counts"] => say(&counts(&wecom, &cam))?,
            _ => return Err(format!("unknown command: {line}").into()),
        }
    }
    Ok(())
}

fn counts(wecom: &wecom::Simulator, cam: &cam::Simulator) -> Value {
    let by_action = |requests: Vec<camsync_simulators::Request>| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for request in requests {
            *counts.entry(request.action).or_default() += 1;
        }
        counts
    };
    let mut created: BTreeMap<String, usize> = BTreeMap::new();
    for write in cam.history() {
        if write.action == "AddUser" {
            *created.entry(write.name).or_default() += 1;
        }
    }
    json!({
        "wecom": by_action(wecom.log()),
        "cam": by_action(cam.log()),
        "cam_writes": cam.writes().len(),
        "users": cam.user_names().len(),
        "created": created.len(),
        "created_twice": created.values().filter(|times| **times > 1).count(),
    })
}

fn say(value: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}
