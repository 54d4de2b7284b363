//! A load of callbacks as WeCom sends them, at an even rate whatever the answers do: each is timed from the moment it
//! was to be sent, so that waiting for an answer hides nothing.

use std::error::Error;
use std::time::Duration;

use camsync_simulators::wecom::{CallbackKeys, change_contact};
use chrono::Utc;
use serde_json::json;
use tokio::time::Instant;

/// Members that callbacks name, by turns: more than are looked up one by one.
const NAMED: u64 = 5000;

pub(crate) fn measure(
    url: &str,
    keys: [&str; 3],
    rate: u64,
    seconds: u64,
) -> Result<(), Box<dyn Error>> {
    let [token, aes_key, corp] = keys;
    let keys = CallbackKeys::new(token, aes_key, corp).ok_or("not an EncodingAESKey")?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new()?;
    let times = runtime.block_on(send(url, &keys, corp, rate, seconds))?;
    let mut answered: Vec<f64> = times.iter().flatten().map(Duration::as_secs_f64).collect();
    answered.sort_by(f64::total_cmp);
    let at = |part: usize| answered.get((answered.len().max(1) - 1) * part / 100);
    println!(
        "{}",
        json!({
            "sent": times.len(), "answered": answered.len(), "p50": at(50), "p99": at(99), "max": at(100),
        })
    );
    Ok(())
}

async fn send(
    url: &str,
    keys: &CallbackKeys,
    corp: &str,
    rate: u64,
    seconds: u64,
) -> Result<Vec<Option<Duration>>, Box<dyn Error>> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let now = Utc::now().timestamp();
    // Made before the clock runs: encrypting is the provider's work.
    let events: Vec<_> = (0..rate * seconds)
        .map(|n| {
            let user = format!("m{}", n % NAMED);
            let text = change_contact(corp, now, "update_user", &[("UserID", &user)]);
            keys.event(&text, now, &format!("nonce{n}"))
        })
        .collect();
    let began = Instant::now();
    let mut calls = Vec::with_capacity(events.len());
    for (n, event) in (0u32..).zip(events) {
        let due = began + Duration::from_secs(1) * n / u32::try_from(rate)?;
        tokio::time::sleep_until(due).await;
        let request = client
            .post(format!("{url}?{}", event.query))
            .body(event.body);
        calls.push(tokio::spawn(async move {
            let answer = request.send().await.ok()?;
            let good = answer.status().is_success();
            answer.bytes().await.ok()?;
            good.then(|| due.elapsed())
        }));
    }
    let mut times = Vec::with_capacity(calls.len());
    for call in calls {
        times.push(call.await?);
    }
    Ok(times)
}
