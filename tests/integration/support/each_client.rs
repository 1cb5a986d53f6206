//! The same facts for clients in several languages.

/// Runs a script of this name, without its ending, to its end.
pub(crate) type Client = fn(&str, &[&str]);

/// Makes of each function a test for each language, which gives it a [`Client`].
macro_rules! with_each_client {
    ($($fact:ident)*) => {
        mod node {
            $(#[test] fn $fact() { super::$fact(|name, arguments| crate::support::interpreter::node(&format!("{name}.mjs"), arguments)); })*
        }
        mod python {
            $(#[test] fn $fact() { super::$fact(|name, arguments| crate::support::interpreter::python(&format!("{name}.py"), arguments)); })*
        }
    };
}

pub(crate) use with_each_client;
