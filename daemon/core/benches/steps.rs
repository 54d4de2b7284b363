//! The pure steps over a large account: `cargo bench -p camsync-core`.
#![allow(missing_docs, unreachable_pub, clippy::panic)]

mod account;
mod many_rules;

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::Duration;

use account::Account;
use camsync_core::evidence::Evidence;
use camsync_core::guard::{Memory, judge};
use camsync_core::outbox::{Event, Status};
use camsync_core::retry::{FailureClass, next};
use camsync_core::rules::{Guard, Retry};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use many_rules::{ManyRules, RULED};

const MEMBERS: usize = 100_000;
const EVENTS: [Event; 9] = [
    Event::Start,
    Event::Succeed,
    Event::TryAgain,
    Event::Fail,
    Event::Hold,
    Event::Release,
    Event::Retry,
    Event::Supersede,
    Event::Cancel,
];

fn plans(c: &mut Criterion) {
    for (name, differs) in [("quiet", 0), ("1 % differs", 100)] {
        let account = Account::new(MEMBERS, differs);
        c.bench_function(&format!("plan 100,000 members, {name}"), |b| {
            b.iter(|| black_box(account.plan()));
        });
    }
}

fn desires(c: &mut Criterion) {
    let account = Account::new(MEMBERS, 0);
    c.bench_function("desired of 100,000 members, 5 rules", |b| {
        b.iter(|| black_box(account.desire()));
    });
}

/// What a hundredth of the members takes when each is asked each rule says what the memory of answers is worth.
fn many_rules(c: &mut Criterion) {
    let account = ManyRules::new();
    c.bench_function("desired of 50,000 members, 1,000 grant rules", |b| {
        b.iter(|| black_box(account.desire()));
    });
    c.bench_function("500 members asked 1,000 rules one by one", |b| {
        b.iter(|| black_box(account.ask_one_by_one(RULED / 100)));
    });
}

/// Every change is a removal, and far more than the guard lets through.
fn guards(c: &mut Criterion) {
    let mut changes = Account::new(MEMBERS, 1).plan().changes;
    for change in &mut changes {
        change.evidence = Some(Evidence::Absent);
    }
    let memory = Memory {
        managed: u32::try_from(MEMBERS).unwrap_or(u32::MAX),
        ..Memory::default()
    };
    c.bench_function("guard over 100,000 removals", |b| {
        b.iter_batched_ref(
            || changes.clone(),
            |changes| black_box(judge(&Guard::default(), &memory, &BTreeSet::new(), changes)),
            BatchSize::LargeInput,
        );
    });
}

fn outbox(c: &mut Criterion) {
    c.bench_function("outbox: every event in every status", |b| {
        b.iter(|| {
            for status in Status::ALL {
                for event in EVENTS {
                    let _ = black_box(black_box(status).after(black_box(event)));
                }
            }
        });
    });
    let policy = Retry::default();
    c.bench_function("retry: the next pause", |b| {
        b.iter(|| black_box(next(&policy, black_box(FailureClass::Transient), 5, 0.5)));
    });
}

criterion_group! {
    name = steps;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(10));
    targets = plans, desires, many_rules, guards, outbox
}
criterion_main!(steps);
