//! Metrics whose name, labels and meaning are declared in one place: where they are registered.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};

/// Label names with their values.
type Labels<const N: usize> = [(&'static str, String); N];

/// What a metric is called and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name, as it is scraped; a histogram's samples end in `_bucket`, `_sum` and `_count`.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its labels.
    pub labels: Vec<&'static str>,
    /// What it says.
    pub help: &'static str,
}

/// A metric for each combination of labels.
#[derive(Debug, Clone)]
pub(super) struct Labelled<const N: usize, M, C = fn() -> M> {
    names: [&'static str; N],
    family: Family<Labels<N>, M, C>,
}

impl<const N: usize, M: Clone, C: prometheus_client::metrics::family::MetricConstructor<M>>
    Labelled<N, M, C>
{
    /// The metric with these values of its labels, in the order in which they were declared.
    pub(super) fn of(&self, values: [&str; N]) -> M {
        let mut pairs = self.names.map(|name| (name, String::new()));
        for (pair, value) in pairs.iter_mut().zip(values) {
            value.clone_into(&mut pair.1);
        }
        self.family.get_or_create_owned(&pairs)
    }

    /// Forgets every combination.
    pub(super) fn clear(&self) {
        self.family.clear();
    }
}

/// Counts events.
pub(super) type Counts<const N: usize> = Labelled<N, Counter>;
/// Adds up seconds.
pub(super) type Seconds<const N: usize> = Labelled<N, Counter<f64, AtomicU64>>;
/// Says how it is now.
pub(super) type Level<const N: usize> = Labelled<N, Gauge<f64, AtomicU64>>;
/// Spreads seconds over buckets.
pub(super) type Spread<const N: usize> = Labelled<N, Histogram>;

/// Registers metrics, and remembers what was said of them.
#[derive(Debug, Default)]
pub(super) struct Registrar {
    pub(super) registry: Registry,
    pub(super) described: Vec<Described>,
}

impl Registrar {
    /// `name` ends in `_total`.
    pub(super) fn counts<const N: usize>(
        &mut self,
        name: &'static str,
        labels: [&'static str; N],
        help: &'static str,
    ) -> Counts<N> {
        self.family(name, "counter", labels, help, Counter::default)
    }

    /// `name` ends in `_seconds_total`.
    pub(super) fn seconds<const N: usize>(
        &mut self,
        name: &'static str,
        labels: [&'static str; N],
        help: &'static str,
    ) -> Seconds<N> {
        self.family(name, "counter", labels, help, Counter::default)
    }

    /// A gauge.
    pub(super) fn level<const N: usize>(
        &mut self,
        name: &'static str,
        labels: [&'static str; N],
        help: &'static str,
    ) -> Level<N> {
        self.family(name, "gauge", labels, help, Gauge::default)
    }

    /// `name` ends in `_seconds`; `buckets` makes the histogram.
    pub(super) fn spread<const N: usize>(
        &mut self,
        name: &'static str,
        labels: [&'static str; N],
        help: &'static str,
        buckets: fn() -> Histogram,
    ) -> Spread<N> {
        self.family(name, "histogram", labels, help, buckets)
    }

    fn family<const N: usize, M>(
        &mut self,
        name: &'static str,
        kind: &'static str,
        names: [&'static str; N],
        help: &'static str,
        make: fn() -> M,
    ) -> Labelled<N, M>
    where
        M: Clone
            + prometheus_client::encoding::EncodeMetric
            + prometheus_client::metrics::TypedMetric
            + Send
            + Sync
            + std::fmt::Debug
            + 'static,
        Family<Labels<N>, M, fn() -> M>: Metric,
    {
        self.described.push(Described {
            name,
            kind,
            labels: names.to_vec(),
            help,
        });
        let family = Family::new_with_constructor(make);
        // The encoder puts unit and suffix behind the name by itself, and says the unit in a line of its own.
        let stem = name.strip_suffix("_total").unwrap_or(name);
        let units = [("_seconds", Unit::Seconds), ("_bytes", Unit::Bytes)];
        let unit = units
            .into_iter()
            .find_map(|(suffix, unit)| Some((stem.strip_suffix(suffix)?, unit)));
        match unit {
            Some((stem, unit)) => {
                self.registry
                    .register_with_unit(stem, help, unit, family.clone());
            }
            None => self.registry.register(stem, help, family.clone()),
        }
        Labelled { names, family }
    }
}
