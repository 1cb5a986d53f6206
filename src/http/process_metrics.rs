//! Metrics of wsd's own process, under the names that all clients of Prometheus use.
//!
//! Where there is a `/proc`, all of them; elsewhere those that the system calls tell.

#[cfg(any(not(target_os = "linux"), wsd_portable))]
pub(super) use portable::register;

/// Adds them.
#[cfg(all(target_os = "linux", not(wsd_portable)))]
pub(super) fn register(all: &prometheus::Registry) {
    let collector = prometheus::process_collector::ProcessCollector::for_self();
    let registered = all.register(Box::new(collector));
    registered.expect("nothing else has these names");
}

#[cfg(any(not(target_os = "linux"), wsd_portable))]
mod portable {
    use std::time::{SystemTime, UNIX_EPOCH};

    use nix::sys::{
        resource::{UsageWho, getrusage},
        time::TimeValLike,
    };
    use prometheus::{
        Counter, Gauge,
        core::{Collector, Desc},
        proto::MetricFamily,
    };
    use rustix::process::{Resource, getrlimit};

    /// Adds them.
    pub(in crate::http) fn register(all: &prometheus::Registry) {
        let gauge = |name, help| crate::http::metric::register(all, Gauge::new(name, help));
        let start = gauge(
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
        );
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        start.set(now.unwrap_or_default().as_secs() as f64);
        let most = gauge(
            "process_max_fds",
            "Maximum number of open file descriptors.",
        );
        let limit = getrlimit(Resource::Nofile).current;
        most.set(limit.map_or(f64::INFINITY, |limit| limit as f64));
        let registered = all.register(Box::new(Processor::new()));
        registered.expect("nothing else has its name");
    }

    /// Processor time, asked for (getrusage(2)) when somebody wants to know it.
    struct Processor(Counter);

    impl Processor {
        fn new() -> Self {
            let counter = Counter::new(
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
            );
            Processor(counter.expect("a name that can be"))
        }
    }

    impl Collector for Processor {
        fn desc(&self) -> Vec<&Desc> {
            self.0.desc()
        }

        fn collect(&self) -> Vec<MetricFamily> {
            if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
                let taken = usage.user_time() + usage.system_time();
                self.0.reset();
                self.0.inc_by(taken.num_microseconds() as f64 / 1e6);
            }
            self.0.collect()
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn processor_time_only_grows() {
            let all = prometheus::Registry::new();
            register(&all);
            let seconds = || {
                let families = all.gather();
                let is_it = |family: &&MetricFamily| family.name() == "process_cpu_seconds_total";
                let family = families.iter().find(is_it).expect("it is there");
                family.get_metric()[0].get_counter().get_value()
            };
            let before = seconds();
            while seconds() <= before {}
        }
    }
}
