//! A limit, and how many sessions it allows.

use super::resource::{Need, Resource};

/// A limit of this machine, or one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// What it is called where it is set.
    pub name: String,
    /// Of what.
    pub resource: Resource,
    /// How much there may be.
    pub most: u64,
    /// How much of that is taken.
    pub used: u64,
    /// How it is raised.
    pub remedy: String,
}

impl Limit {
    /// Sessions that fit into what is free.
    pub fn sessions(&self, need: &Need) -> u64 {
        self.free() / need.of(self.resource).max(1)
    }

    fn free(&self) -> u64 {
        self.most.saturating_sub(self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEED: Need = Need {
        descriptors: 5,
        files: 9,
        tasks: 2,
        memory: 1 << 20,
    };

    fn limit(resource: Resource, most: u64, used: u64) -> Limit {
        Limit {
            name: String::new(),
            resource,
            most,
            used,
            remedy: String::new(),
        }
    }

    #[test]
    fn what_is_free_is_divided_by_what_a_session_takes() {
        for (resource, most, used, sessions) in [
            (Resource::Sessions, 1024, 0, 1024),
            (Resource::Descriptors, 1024, 14, 202),
            (Resource::Tasks, 100, 1, 49),
            (Resource::Memory, 3 << 20, 0, 3),
            (Resource::Files, 8, 0, 0),
        ] {
            let limit = limit(resource, most, used);
            assert_eq!(limit.sessions(&NEED), sessions, "{resource:?}");
        }
    }

    #[test]
    fn limit_that_is_exceeded_allows_none() {
        assert_eq!(limit(Resource::Tasks, 10, 20).sessions(&NEED), 0);
    }

    #[test]
    fn program_that_has_ended_takes_nothing_and_divides_nothing_by_zero() {
        let nothing = Need {
            tasks: 0,
            memory: 0,
            ..NEED
        };
        assert_eq!(limit(Resource::Tasks, 10, 0).sessions(&nothing), 10);
    }
}
