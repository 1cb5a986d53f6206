//! The report: what was found, as plain lines and an aligned table.

use std::{fmt, time::Duration};

use super::{limit::Limit, measure::Measured, resource::Resource};
use crate::quantity::quantity;

const KIB: f64 = 1024.0;

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// The program and its arguments, or the target.
    pub name: String,
    /// Whether it is a target.
    pub is_target: bool,
    /// Whether it stands for one that was not given.
    pub is_stand_in: bool,
    /// What a session takes.
    pub measured: Measured,
    /// What there is to be taken.
    pub limits: Vec<Limit>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

impl Report {
    /// How many sessions there can be, by the limit that comes first; `None` if no limit is known.
    pub fn sessions(&self) -> Option<u64> {
        let need = &self.measured.need;
        self.limits.iter().map(|limit| limit.sessions(need)).min()
    }

    /// The limits, that which comes first at the top.
    fn sorted(&self) -> Vec<(u64, &Limit)> {
        let need = &self.measured.need;
        let sessions = |limit| (Limit::sessions(limit, need), limit);
        let mut sorted: Vec<_> = self.limits.iter().map(sessions).collect();
        sorted.sort_by_key(|(sessions, _)| *sessions);
        sorted
    }

    fn write_program(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Measured {
            processes,
            threads,
            memory,
            after,
            ..
        } = &self.measured;
        if self.is_target {
            let milliseconds = after.as_secs_f64() * 1000.0;
            writeln!(out, "Target: {}", self.name)?;
            return writeln!(out, "  connected to in {milliseconds:.1} ms");
        }
        let stand_in = match self.is_stand_in {
            true => " (no COMMAND is given, so this stands for one)",
            false => "",
        };
        writeln!(out, "Program: {}{stand_in}", self.name)?;
        writeln!(
            out,
            "  {}, {}, {} after {}",
            quantity(*processes, "process", "processes"),
            quantity(*threads, "thread", "threads"),
            bytes(*memory),
            seconds(*after),
        )?;
        if let Some(status) = self.measured.ended {
            writeln!(
                out,
                "  It ended by itself ({status}), and a session would with it: it may need more than was seen."
            )?;
        }
        if self.measured.grows {
            writeln!(out, "  It was still growing: it needs more than was seen.")?;
        }
        Ok(())
    }

    fn write_need(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let need = &self.measured.need;
        let threads = match need.tasks {
            0 => String::new(),
            tasks => format!(" {},", quantity(tasks, "thread", "threads")),
        };
        writeln!(
            out,
            "A session takes {} of wsd,{threads} {} with what wsd and the kernel keep for it.\n",
            quantity(need.descriptors, "descriptor", "descriptors"),
            bytes(need.memory),
        )
    }

    fn write_table(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["limit", "allows", "in use", "sessions"].map(str::to_owned);
        let row = |(sessions, limit): &(u64, &Limit)| {
            let amount = |number| match limit.resource {
                Resource::Memory => bytes(number),
                _ => number.to_string(),
            };
            [
                limit.name.clone(),
                amount(limit.most),
                amount(limit.used),
                sessions.to_string(),
            ]
        };
        let rows: Vec<_> = std::iter::once(head)
            .chain(self.sorted().iter().map(row))
            .collect();
        let width = |column: usize| {
            let widths = rows.iter().map(|row| row[column].chars().count());
            widths.max().unwrap_or(0)
        };
        let [name, most, used, sessions] = [0, 1, 2, 3].map(width);
        for row in &rows {
            writeln!(
                out,
                "{:<name$}  {:>most$}  {:>used$}  {:>sessions$}",
                row[0], row[1], row[2], row[3]
            )?;
        }
        writeln!(out)
    }

    fn write_conclusion(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for note in &self.notes {
            writeln!(out, "{note}")?;
        }
        let sorted = self.sorted();
        let Some((sessions, first)) = sorted.first() else {
            return writeln!(out, "\nSessions: no limit is known here.");
        };
        writeln!(
            out,
            "\nSessions: {sessions}, by {}.\n  For more: {}",
            first.name, first.remedy
        )?;
        match sorted.get(1) {
            Some((sessions, next)) => {
                writeln!(out, "  The next limit is {sessions}, by {}.", next.name)
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_program(out)?;
        self.write_need(out)?;
        self.write_table(out)?;
        self.write_conclusion(out)
    }
}

/// `312 KiB`, `4.2 MiB`, `21.3 GiB`.
fn bytes(number: u64) -> String {
    let kibibytes = number as f64 / KIB;
    match kibibytes {
        0.0..1024.0 => format!("{kibibytes:.0} KiB"),
        1024.0..1_048_576.0 => format!("{:.1} MiB", kibibytes / KIB),
        _ => format!("{:.1} GiB", kibibytes / KIB / KIB),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::{super::resource::Need, *};

    fn limit(name: &str, resource: Resource, most: u64) -> Limit {
        Limit {
            name: name.to_owned(),
            resource,
            most,
            used: 0,
            remedy: format!("raise {name}"),
        }
    }

    fn report(limits: Vec<Limit>) -> Report {
        Report {
            name: "cat".to_owned(),
            is_target: false,
            is_stand_in: true,
            measured: Measured {
                need: Need {
                    descriptors: 5,
                    files: 9,
                    tasks: 1,
                    memory: 1 << 20,
                },
                processes: 1,
                threads: 1,
                memory: 300 << 10,
                after: Duration::from_millis(600),
                ended: None,
                grows: false,
            },
            limits,
            notes: Vec::new(),
        }
    }

    #[test]
    fn limit_that_comes_first_is_named_with_its_remedy() {
        let report = report(vec![
            limit("tasks", Resource::Tasks, 30_000),
            limit("files", Resource::Descriptors, 1000),
            limit("memory", Resource::Memory, 3 << 30),
        ]);
        assert_eq!(report.sessions(), Some(200));
        let text = report.to_string();
        let end = "Sessions: 200, by files.\n  For more: raise files\n  The next limit is 3072, by memory.\n";
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn columns_are_aligned() {
        let report = report(vec![
            limit("a longer name", Resource::Tasks, 30_000),
            limit("memory", Resource::Memory, 3 << 30),
        ]);
        let text = report.to_string();
        let lines: Vec<_> = text
            .lines()
            .skip_while(|line| !line.starts_with("limit"))
            .take(3)
            .map(str::len)
            .collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines.iter().all(|length| *length == lines[0]), "{text}");
    }

    #[test]
    fn no_limit_is_no_number() {
        let report = report(Vec::new());
        assert_eq!(report.sessions(), None);
        assert!(report.to_string().contains("no limit is known"));
    }

    #[test]
    fn amounts_have_the_unit_that_fits() {
        for (number, text) in [
            (0, "0 KiB"),
            (300 << 10, "300 KiB"),
            (5 << 20, "5.0 MiB"),
            (u64::MAX, "17179869184.0 GiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }
}
