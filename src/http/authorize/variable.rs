//! Which variables of a program an authorizer may set: all but those by which a request, or whoever sends it, would
//! speak through it; pure.

use crate::environ::is_meta_variable;

/// What wsd tells scripts and shared programs beside the meta-variables.
const OWN: [&str; 3] = ["DOCUMENT_ROOT", "REDIRECT_STATUS", "ROOM"];
/// What makes a shell or Java run something else.
const OF_INTERPRETERS: [&str; 5] = [
    "BASH_ENV",
    "ENV",
    "IFS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
];
/// What begins so is wsd's, or has the linker or an interpreter load or run something else.
const PREFIXES: [&str; 9] = [
    "DYLD_", "HTTP_", "JAVA_", "LD_", "NODE_", "PERL", "PYTHON", "RUBY", "WSD_",
];

/// Whether it may set one of this name, in capitals.
pub(super) fn may_be_set(name: &str) -> bool {
    is_name(name)
        && !is_meta_variable(name)
        && !OWN.contains(&name)
        && !OF_INTERPRETERS.contains(&name)
        && !PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        && !name.ends_with("PATH")
}

/// Letters, digits and underscores, and no digit first (POSIX XBD 8.1).
fn is_name(name: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(is_fine)
        && name
            .bytes()
            .next()
            .is_some_and(|first| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_make_another_program_of_it_cannot_be_set() {
        for name in [
            "TENANT",
            "X",
            "_X1",
            "PYTH",
            "LANG",
            "HOME",
            "PATHS",
            "ENVIRONMENT",
        ] {
            assert!(may_be_set(name), "{name}");
        }
        for name in [
            "",
            "1X",
            "A-B",
            "É",
            "REMOTE_ADDR",
            "QUERY_STRING",
            "HTTPS",
            "SSL_CLIENT_S_DN",
            "HTTP_X",
            "HTTP_",
            "WSD_ROUTE",
            "LD_PRELOAD",
            "DYLD_INSERT_LIBRARIES",
            "PATH",
            "CLASSPATH",
            "CDPATH",
            "ENV",
            "IFS",
            "BASH_ENV",
            "PYTHONSTARTUP",
            "PERL5OPT",
            "RUBYOPT",
            "NODE_OPTIONS",
            "JAVA_TOOL_OPTIONS",
            "_JAVA_OPTIONS",
            "DOCUMENT_ROOT",
            "ROOM",
            "UNIQUE_ID",
        ] {
            assert!(!may_be_set(name), "{name}");
        }
    }
}
