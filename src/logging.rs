//! Where `tracing`'s events go: stderr, as text or JSON, from the level that was asked for.
//!
//! Targets carry what levels cannot say: `access` is requests and sessions, `stderr` is what programs
//! say, `listening` is the line with the URL, which every level but `fatal` shows.

use std::io;

use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::args::{LogFormat, LogLevel};

/// Installs the log for the process.
pub fn init(level: LogLevel, format: LogFormat) {
    let layer = fmt::layer()
        .with_writer(io::stderr)
        .log_internal_errors(false);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Text => layer.with_ansi(false).boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter(level)))
        .init();
}

fn filter(level: LogLevel) -> Targets {
    let all = |level: LevelFilter| {
        Targets::new()
            .with_default(level)
            .with_target("listening", Level::INFO)
    };
    match level {
        LogLevel::Debug => all(LevelFilter::TRACE),
        LogLevel::Trace => all(LevelFilter::DEBUG),
        LogLevel::Access => all(LevelFilter::INFO),
        LogLevel::Info => all(LevelFilter::INFO).with_target("access", LevelFilter::WARN),
        LogLevel::Error => all(LevelFilter::WARN).with_target("access", LevelFilter::ERROR),
        LogLevel::Fatal => Targets::new().with_default(LevelFilter::OFF),
    }
}
