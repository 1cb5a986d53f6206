//! Metrics of shared programs and their members.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::metric::{counters, register};
use crate::backend::{Figure, Figures};

/// What is shown of [`Figures`].
#[derive(Debug)]
pub(super) struct GroupMetrics {
    groups_open: IntGaugeVec,
    members_open: IntGauge,
    members: IntCounter,
    starts: IntCounter,
    respawns: IntCounter,
    deliveries: IntCounter,
    delivery_bytes: IntCounter,
    dropped: IntCounterVec,
    slow_members: IntCounterVec,
    ticks_skipped: IntCounter,
}

impl GroupMetrics {
    pub(super) fn new(all: &Registry) -> Self {
        let counter = |name, help| register(all, IntCounter::new(name, help));
        GroupMetrics {
            groups_open: register(
                all,
                IntGaugeVec::new(
                    Opts::new("wsd_groups_open", "Groups that have members, or a program."),
                    &["kind"],
                ),
            ),
            members_open: register(
                all,
                IntGauge::new("wsd_members_open", "Members of all groups."),
            ),
            members: counter("wsd_members_total", "Members that have joined."),
            starts: counter(
                "wsd_group_starts_total",
                "Shared programs that were started.",
            ),
            respawns: counter(
                "wsd_group_respawns_total",
                "Shared programs that were started again while their members stayed.",
            ),
            deliveries: counter(
                "wsd_deliveries_total",
                "Messages to members of groups, once for each member.",
            ),
            delivery_bytes: counter(
                "wsd_delivery_bytes_total",
                "Bytes of messages to members of groups, payloads, once for each member.",
            ),
            dropped: counters(
                all,
                "wsd_dropped_total",
                "Messages to or from members of groups that went nowhere, by reason.",
                &["reason"],
            ),
            slow_members: counters(
                all,
                "wsd_slow_members_total",
                "Members that took less than they were sent, by what became of them.",
                &["policy"],
            ),
            ticks_skipped: counter(
                "wsd_ticks_skipped_total",
                "Ticks left out since the program had not read the last one.",
            ),
        }
    }

    /// Takes over what was counted, here and of what was too long for the hub.
    pub(super) fn set(&self, figures: &Figures, too_long: u64) {
        let groups = figures.groups_open.get() as i64;
        self.groups_open.with_label_values(&["program"]).set(groups);
        let rooms = figures.rooms_open.get() as i64;
        self.groups_open.with_label_values(&["room"]).set(rooms);
        self.members_open.set(figures.members_open.get() as i64);
        set(&self.members, &figures.members);
        set(&self.starts, &figures.starts);
        set(&self.respawns, &figures.respawns);
        set(&self.deliveries, &figures.deliveries);
        set(&self.delivery_bytes, &figures.delivery_bytes);
        set(&self.ticks_skipped, &figures.ticks_skipped);
        let dropped = &figures.dropped;
        for (reason, figure) in [
            ("slow", &dropped.slow),
            ("gone", &dropped.gone),
            ("malformed", &dropped.malformed),
            ("readonly", &dropped.readonly),
            ("size", &dropped.size),
        ] {
            set(&self.dropped.with_label_values(&[reason]), figure);
        }
        self.dropped.with_label_values(&["size"]).inc_by(too_long);
        let slow = &figures.slow;
        for (policy, figure) in [
            ("close", &slow.close),
            ("drop", &slow.drop),
            ("latest", &slow.latest),
        ] {
            set(&self.slow_members.with_label_values(&[policy]), figure);
        }
    }
}

fn set(counter: &IntCounter, figure: &Figure) {
    counter.reset();
    counter.inc_by(figure.get());
}
