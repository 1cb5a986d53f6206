//! Metrics of wsd's own process, under the names that all clients of Prometheus use.
//!
//! Where there is a `/proc`, all of them; elsewhere those that the system calls tell. The library's own collector does
//! the same with a crate that knows all of `/proc`, which is a hundredth of the binary.

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

use super::metric;

/// Adds them.
pub(super) fn register(all: &prometheus::Registry) {
    let gauge = |name, help| metric::register(all, Gauge::new(name, help));
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
    #[cfg(all(target_os = "linux", not(wsd_portable)))]
    {
        let registered = all.register(Box::new(proc::Process::new()));
        registered.expect("nothing else has its names");
    }
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

#[cfg(all(target_os = "linux", not(wsd_portable)))]
mod proc {
    use std::{fs, io};

    use prometheus::{
        IntGauge,
        core::{Collector, Desc},
        proto::MetricFamily,
    };
    use rustix::param::page_size;

    /// What `/proc` says of the process (proc_pid_stat(5)), read when somebody wants to know it.
    pub(super) struct Process {
        descriptors: IntGauge,
        address_space: IntGauge,
        resident: IntGauge,
        threads: IntGauge,
    }

    impl Process {
        pub(super) fn new() -> Self {
            let gauge = |name, help| IntGauge::new(name, help).expect("a name that can be");
            Process {
                descriptors: gauge("process_open_fds", "Number of open file descriptors."),
                address_space: gauge(
                    "process_virtual_memory_bytes",
                    "Virtual memory size in bytes.",
                ),
                resident: gauge(
                    "process_resident_memory_bytes",
                    "Resident memory size in bytes.",
                ),
                threads: gauge("process_threads", "Number of OS threads in the process."),
            }
        }

        fn gauges(&self) -> [&IntGauge; 4] {
            let Process {
                descriptors,
                address_space,
                resident,
                threads,
            } = self;
            [descriptors, address_space, resident, threads]
        }

        fn read(&self) -> io::Result<()> {
            // One of them is that of the directory.
            let descriptors = fs::read_dir("/proc/self/fd")?.count() - 1;
            self.descriptors.set(descriptors as i64);
            let stat = fs::read_to_string("/proc/self/stat")?;
            // The name, in the second field, may have spaces and parentheses in it.
            let behind_name = stat.rsplit_once(") ").map_or("", |(_, behind)| behind);
            let fields: Vec<&str> = behind_name.split(' ').collect();
            // As they are numbered there, from 1.
            let field = |number: usize| {
                let text = fields.get(number - 3).copied();
                text.and_then(|text| text.parse::<i64>().ok()).unwrap_or(0)
            };
            self.threads.set(field(20));
            self.address_space.set(field(23));
            self.resident.set(field(24) * page_size() as i64);
            Ok(())
        }
    }

    impl Collector for Process {
        fn desc(&self) -> Vec<&Desc> {
            self.gauges()
                .iter()
                .flat_map(|gauge| gauge.desc())
                .collect()
        }

        fn collect(&self) -> Vec<MetricFamily> {
            match self.read() {
                Ok(()) => self
                    .gauges()
                    .iter()
                    .flat_map(|gauge| gauge.collect())
                    .collect(),
                // There is none: a bare root, or a hardened one.
                Err(_) => Vec::new(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(all: &prometheus::Registry, name: &str) -> f64 {
        let families = all.gather();
        let family = families.iter().find(|family| family.name() == name);
        let metric = &family.expect("it is there").get_metric()[0];
        metric.get_counter().get_value() + metric.get_gauge().get_value()
    }

    #[test]
    fn processor_time_only_grows() {
        let all = prometheus::Registry::new();
        register(&all);
        let seconds = || value(&all, "process_cpu_seconds_total");
        let before = seconds();
        while seconds() <= before {}
    }

    #[cfg(all(target_os = "linux", not(wsd_portable)))]
    #[test]
    fn figures_of_the_process_are_those_of_proc() {
        let all = prometheus::Registry::new();
        register(&all);
        let status = std::fs::read_to_string("/proc/self/status").expect("it is there");
        let line = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let first = line.and_then(|line| line.split_whitespace().next());
            first.and_then(|word| word.parse::<f64>().ok()).expect(name)
        };
        // Other tests open files and take memory meanwhile.
        let is_near = |name, expected: f64| {
            let ratio = value(&all, name) / expected;
            assert!(
                (0.1..10.0).contains(&ratio),
                "{name}: {ratio} of what it is"
            );
        };
        is_near("process_virtual_memory_bytes", line("VmSize:") * 1024.0);
        is_near("process_resident_memory_bytes", line("VmRSS:") * 1024.0);
        is_near("process_threads", line("Threads:"));
        assert!(value(&all, "process_open_fds") >= 3.0);
    }
}
