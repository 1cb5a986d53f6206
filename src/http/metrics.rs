//! Metrics of a server, as Prometheus reads them.
//!
//! What happens now and then is counted where it happens. What may happen a million times a second, a
//! message, each session counts for itself; the sums are made when they are asked for.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus, sync::OnceLock, time::Duration};

use parking_lot::Mutex;
use prometheus::{
    CounterVec, Histogram, IntCounterVec, IntGauge, IntGaugeVec, Opts, TextEncoder,
    core::{Atomic, GenericCounterVec},
};

use super::{
    access::Connections,
    group_metrics::GroupMetrics,
    hub_metrics::HubMetrics,
    metric::{counters, histogram, register},
    process_metrics,
    registry::Registry,
};
use crate::{
    backend::Figures,
    hub::Hub,
    session::{Ended, Summary, Traffic},
};

/// Of [`Metrics::to_text`].
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The values of the label `transport`.
const TRANSPORTS: [&str; 3] = ["websocket", "post", "events"];

/// Seconds that starting a program takes: half a millisecond is good, a second is a machine in trouble.
const SPAWN_BUCKETS: [f64; 9] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0];
/// Seconds that connecting to a target takes: a tenth of a millisecond on this machine, much of a second across an
/// ocean with TLS.
const CONNECT_BUCKETS: [f64; 10] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];
/// Seconds that an authorizer takes: a millisecond is a shell's start, some of the longest ask others in turn.
const AUTHORIZE_BUCKETS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
/// Seconds that a session lasts: from a question and its answer to a page that is open for a day.
const SESSION_BUCKETS: [f64; 9] = [
    0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0, 21_600.0, 86_400.0,
];

/// The counters of one server.
#[derive(Debug)]
pub(super) struct Metrics {
    all: prometheus::Registry,
    sessions_open: IntGaugeVec,
    connections_open: IntGauge,
    sessions: IntCounterVec,
    session_seconds: Histogram,
    spawn_seconds: Histogram,
    targets: TargetCounters,
    closes: IntCounterVec,
    exits: IntCounterVec,
    refusals: IntCounterVec,
    authorizations: AuthorizationCounters,
    requests: IntCounterVec,
    traffic: TrafficCounters,
    groups: GroupMetrics,
    hub: OnceLock<HubMetrics>,
    /// Held while the sums are made.
    summing: Mutex<()>,
}

/// How targets were reached.
#[derive(Debug)]
struct TargetCounters {
    connect_seconds: Histogram,
    failures: IntCounterVec,
}

/// How authorizers have decided.
#[derive(Debug)]
struct AuthorizationCounters {
    seconds: Histogram,
    total: IntCounterVec,
}

/// What has gone each way, by direction.
#[derive(Debug)]
struct TrafficCounters {
    messages: IntCounterVec,
    bytes: IntCounterVec,
    blocked: CounterVec,
}

impl Default for Metrics {
    fn default() -> Self {
        let all = prometheus::Registry::new();
        process_metrics::register(&all);
        let gauge = |name, help| register(&all, IntGauge::new(name, help));
        Metrics {
            sessions_open: register(
                &all,
                IntGaugeVec::new(
                    Opts::new(
                        "wsd_sessions_open",
                        "Sessions that are open, by how their messages travel.",
                    ),
                    &["transport"],
                ),
            ),
            connections_open: gauge(
                "wsd_connections_open",
                "Connections that are open, those of sessions too.",
            ),
            sessions: counters(
                &all,
                "wsd_sessions_total",
                "Sessions that were opened, by how their messages travel.",
                &["transport"],
            ),
            session_seconds: histogram(
                &all,
                "wsd_session_seconds",
                "How long sessions lasted.",
                &SESSION_BUCKETS,
            ),
            spawn_seconds: histogram(
                &all,
                "wsd_spawn_seconds",
                "How long it took to start a program.",
                &SPAWN_BUCKETS,
            ),
            targets: TargetCounters::new(&all),
            closes: counters(
                &all,
                "wsd_session_closes_total",
                "Sessions that ended, by close code.",
                &["code"],
            ),
            exits: counters(
                &all,
                "wsd_program_exits_total",
                "Programs of sessions that ended, by exit status or signal.",
                &["status"],
            ),
            refusals: counters(
                &all,
                "wsd_refusals_total",
                "Connections and requests that were refused, by reason.",
                &["reason"],
            ),
            authorizations: AuthorizationCounters::new(&all),
            requests: counters(
                &all,
                "wsd_http_requests_total",
                "Requests that were answered, by who answered and status.",
                &["handler", "code"],
            ),
            traffic: TrafficCounters::new(&all),
            groups: GroupMetrics::new(&all),
            hub: OnceLock::new(),
            summing: Mutex::new(()),
            all,
        }
    }
}

impl TargetCounters {
    fn new(all: &prometheus::Registry) -> Self {
        TargetCounters {
            connect_seconds: histogram(
                all,
                "wsd_target_connect_seconds",
                "How long it took to connect to a target.",
                &CONNECT_BUCKETS,
            ),
            failures: counters(
                all,
                "wsd_target_failures_total",
                "Targets that could not be reached, connections to them that were lost, and tokens without one.",
                &["reason"],
            ),
        }
    }
}

impl AuthorizationCounters {
    fn new(all: &prometheus::Registry) -> Self {
        AuthorizationCounters {
            seconds: histogram(
                all,
                "wsd_authorize_seconds",
                "How long authorizers took to decide, or to fail.",
                &AUTHORIZE_BUCKETS,
            ),
            total: counters(
                all,
                "wsd_authorize_total",
                "Questions whether a request may go on, by what came of them.",
                &["result"],
            ),
        }
    }
}

impl TrafficCounters {
    fn new(all: &prometheus::Registry) -> Self {
        let direction = &["direction"];
        TrafficCounters {
            messages: counters(
                all,
                "wsd_messages_total",
                "Messages from clients (in) and to them (out).",
                direction,
            ),
            bytes: counters(
                all,
                "wsd_message_bytes_total",
                "Bytes of messages from clients (in) and to them (out), payloads.",
                direction,
            ),
            blocked: counters(
                all,
                "wsd_backpressure_seconds_total",
                "Time that messages from clients waited for programs (in), and the other way (out).",
                direction,
            ),
        }
    }

    fn set(&self, direction: &str, total: Traffic) {
        set(&self.messages, direction, total.messages);
        set(&self.bytes, direction, total.bytes);
        set(&self.blocked, direction, total.blocked.as_secs_f64());
    }
}

impl Metrics {
    /// A program was started, or failed to be, within so much time.
    pub(super) fn observe_spawn(&self, time: Duration) {
        self.spawn_seconds.observe(time.as_secs_f64());
    }

    /// A target was connected to, or could not be, within so much time.
    pub(super) fn observe_connect(&self, time: Duration) {
        self.targets.connect_seconds.observe(time.as_secs_f64());
    }

    /// A target failed; `None` if it is not its fault.
    pub(super) fn count_target_failure(&self, reason: Option<&str>) {
        if let Some(reason) = reason {
            self.targets.failures.with_label_values(&[reason]).inc();
        }
    }

    /// A session was opened, whose messages travel in this way.
    pub(super) fn count_session(&self, transport: &str) {
        self.sessions.with_label_values(&[transport]).inc();
    }

    /// A session ended after so much time.
    pub(super) fn observe_session(&self, summary: &Summary, time: Duration) {
        self.session_seconds.observe(time.as_secs_f64());
        self.closes.with_label_values(&[code(&summary.ended)]).inc();
        if let Some(status) = summary.exit {
            self.observe_exit(status);
        }
    }

    /// A program ended, of a session or of many.
    pub(super) fn observe_exit(&self, status: ExitStatus) {
        self.exits.with_label_values(&[exit_label(status)]).inc();
    }

    /// A request or a connection was refused.
    pub(super) fn count_refusal(&self, reason: &str) {
        self.refusals.with_label_values(&[reason]).inc();
    }

    /// An authorizer has decided, or failed to, within so much time.
    pub(super) fn observe_authorization(&self, time: Duration) {
        self.authorizations.seconds.observe(time.as_secs_f64());
    }

    /// What came of a question to an authorizer.
    pub(super) fn count_authorization(&self, result: &str) {
        let total = &self.authorizations.total;
        total.with_label_values(&[result]).inc();
    }

    /// A request was answered.
    pub(super) fn count_request(&self, handler: &str, code: &str) {
        self.requests.with_label_values(&[handler, code]).inc();
    }

    /// Shows a hub, too.
    pub(super) fn connect_hub(&self, hub: &Hub) {
        self.hub.get_or_init(|| HubMetrics::new(&self.all, hub));
    }

    /// All figures in Prometheus' text format.
    pub(super) fn to_text(
        &self,
        registry: &Registry,
        connections: &Connections,
        groups: &Figures,
    ) -> String {
        let _summing = self.summing.lock();
        let too_long = self.hub.get().map_or(0, HubMetrics::set);
        self.groups.set(groups, too_long);
        for transport in TRANSPORTS {
            let label = [transport];
            let open = registry.open_by(transport);
            self.sessions_open
                .with_label_values(&label)
                .set(open as i64);
            // One that there was none of is a figure, too.
            self.sessions.with_label_values(&label);
        }
        self.connections_open.set(connections.open_count() as i64);
        let totals = registry.totals();
        self.traffic.set("in", totals.received);
        self.traffic.set("out", totals.sent);
        let encoded = TextEncoder::new().encode_to_string(&self.all.gather());
        encoded.unwrap_or_default()
    }
}

fn set<P: Atomic>(counters: &GenericCounterVec<P>, direction: &str, total: P::T) {
    let counter = counters.with_label_values(&[direction]);
    counter.reset();
    counter.inc_by(total);
}

/// The close code; but those that a client may choose freely (RFC 6455 §7.4.2) are one, or it could
/// make thousands of figures.
fn code(ended: &Ended) -> String {
    match ended {
        Ended::ByClient(close) if close.code >= 3000 => "other".to_owned(),
        ended => ended.close().code.to_string(),
    }
}

/// `0` to `255`, or `signal 9`.
fn exit_label(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => code.to_string(),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown".to_owned(),
    }
}
