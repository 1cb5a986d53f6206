//! How a single metric is made and shown.

use prometheus::{
    Histogram, HistogramOpts, Opts,
    core::{Atomic, Collector, GenericCounterVec},
};

/// A figure, shown with all others.
pub(super) fn register<C: Collector + Clone + 'static>(
    all: &prometheus::Registry,
    made: prometheus::Result<C>,
) -> C {
    let figure = made.expect("names and labels of the figures are valid");
    let registered = all.register(Box::new(figure.clone()));
    registered.expect("each figure has a name of its own");
    figure
}

/// A counter for each combination of labels.
pub(super) fn counters<P: Atomic + 'static>(
    all: &prometheus::Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> GenericCounterVec<P> {
    register(all, GenericCounterVec::new(Opts::new(name, help), labels))
}

/// A histogram with these bounds.
pub(super) fn histogram(
    all: &prometheus::Registry,
    name: &str,
    help: &str,
    buckets: &[f64],
) -> Histogram {
    let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
    register(all, Histogram::with_opts(options))
}
