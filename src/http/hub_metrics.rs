//! Metrics of the hub.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};

use super::metric::{counters, register};
use crate::hub::Hub;

/// What is shown of a hub.
#[derive(Debug)]
pub(super) struct HubMetrics {
    hub: Hub,
    connected: IntGauge,
    reconnects: IntCounter,
    messages: IntCounterVec,
    lost: IntCounter,
}

impl HubMetrics {
    pub(super) fn new(all: &Registry, hub: &Hub) -> Self {
        let counter = |name, help| register(all, IntCounter::new(name, help));
        HubMetrics {
            hub: hub.clone(),
            connected: register(
                all,
                IntGauge::new("wsd_hub_connected", "Whether the broker is connected."),
            ),
            reconnects: counter(
                "wsd_hub_reconnects_total",
                "Times that the broker was connected again.",
            ),
            messages: counters(
                all,
                "wsd_hub_messages_total",
                "Messages of rooms from other machines (in) and to them (out).",
                &["direction"],
            ),
            lost: counter(
                "wsd_hub_lost_total",
                "Messages of rooms that did not, or not surely, reach the broker.",
            ),
        }
    }

    /// Takes over what was counted; how many messages were too long for the broker.
    pub(super) fn set(&self) -> u64 {
        let figures = self.hub.figures();
        self.connected.set(figures.is_connected.into());
        set(&self.reconnects, figures.reconnects);
        set(&self.lost, figures.lost);
        set(&self.messages.with_label_values(&["in"]), figures.received);
        set(&self.messages.with_label_values(&["out"]), figures.sent);
        figures.too_long
    }
}

fn set(counter: &IntCounter, total: u64) {
    counter.reset();
    counter.inc_by(total);
}
