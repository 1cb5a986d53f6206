//! Which variables of a program an authorizer may set: all but those by which a request, or whoever sends it, would
//! speak through it; pure.

use crate::environ::is_meta_variable;

/// What wsd tells programs beside the meta-variables, and what would stand in the place of such: LC_ALL in that of
/// LC_CTYPE (POSIX XBD 8.2).
const OWN: [&str; 8] = [
    "COLORTERM",
    "DOCUMENT_ROOT",
    "LC_ALL",
    "LC_CTYPE",
    "NO_COLOR",
    "REDIRECT_STATUS",
    "ROOM",
    "TERM",
];
/// What makes a shell, Java, git, less or another program run something else.
const OF_INTERPRETERS: [&str; 17] = [
    "BASHOPTS",
    "BASH_ENV",
    "EDITOR",
    "ENV",
    "GLIBC_TUNABLES",
    "IFS",
    "JDK_JAVA_OPTIONS",
    "LESSCLOSE",
    "LESSOPEN",
    "PAGER",
    "PROMPT_COMMAND",
    "PS1",
    "PS4",
    "SHELL",
    "SHELLOPTS",
    "VISUAL",
    "_JAVA_OPTIONS",
];
/// What begins so is wsd's, or has the linker or an interpreter load or run something else.
const PREFIXES: [&str; 14] = [
    "DOTNET_", "DYLD_", "GIT_", "HTTP_", "JAVA_", "LD_", "LISTEN_", "LUA_", "NODE_", "PERL", "PHP",
    "PYTHON", "RUBY", "WSD_",
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
            "SHELLOPTS",
            "BASHOPTS",
            "PS4",
            "LUA_INIT",
            "LUA_INIT_5_4",
            "PHPRC",
            "PHP_INI_SCAN_DIR",
            "GLIBC_TUNABLES",
            "LISTEN_FDS",
            "GIT_SSH_COMMAND",
            "LC_CTYPE",
            "LC_ALL",
            "TERM",
        ] {
            assert!(!may_be_set(name), "{name}");
        }
    }
}
