//! How many sessions this machine allows: what one takes, measured by starting its program once as a
//! session would, against every limit that is in the way.
//!
//! Nothing is listened on and nothing is changed. What cannot be read is left out.

mod cgroup;
mod examine;
mod limit;
mod machine;
mod measure;
mod processes;
mod report;
mod resource;
mod subject;

pub use examine::examine;
pub use limit::Limit;
pub use machine::Machine;
pub use measure::Measured;
pub use report::Report;
pub use resource::{Need, Resource};
pub use subject::Subject;
