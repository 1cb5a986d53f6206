//! Completions: clap's own for the flags, and around them that options end where COMMAND begins.

use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::{Shell, generate};
use wsd::args::Args;

/// The completion of bash. clap's function takes `--flag value` alone; `completions.bash` also knows
/// `--flag=value`, and whose the words behind COMMAND are.
pub(crate) fn bash() -> String {
    let generated = generated(Shell::Bash);
    let (function, _) = generated
        .split_once("\nif [[ \"${BASH_VERSINFO")
        .expect("registration stands at the end");
    let function = function.replace("_wsd()", "_wsd_options()");
    format!(
        "{}{}",
        function,
        with_flags(include_str!("completions.bash"), "|")
    )
}

/// The completion of zsh, where `-A` ends the options at the first word that is none.
pub(crate) fn zsh() -> String {
    generated(Shell::Zsh).replace("options=(-s ", "options=(-A '-*' -s ")
}

/// The completion of fish; `completions.fish` is what tells options from COMMAND.
pub(crate) fn fish() -> String {
    let conditional = "complete -c wsd -n 'not __wsd_has_command' ";
    let options = generated(Shell::Fish).replace("complete -c wsd ", conditional);
    format!(
        "{}{}",
        with_flags(include_str!("completions.fish"), " "),
        options
    )
}

fn generated(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut declaration(), "wsd", &mut script);
    String::from_utf8(script).expect("shell scripts of UTF-8 are UTF-8")
}

/// The flags, and what their values are.
fn declaration() -> Command {
    Args::command()
        .mut_args(|argument| match hint(&argument) {
            Some(hint) => argument.value_hint(hint),
            None => argument,
        })
        .mut_arg("command", |argument| {
            argument
                .hide(false)
                .last(false)
                .trailing_var_arg(true)
                .value_hint(ValueHint::CommandWithArguments)
        })
}

/// What is called a FILE or a PATH is one.
fn hint(argument: &Arg) -> Option<ValueHint> {
    if !argument.get_action().takes_values() {
        return None;
    }
    let name = argument.get_value_names()?.first()?;
    Some(match name.as_str() {
        "DIR" => ValueHint::DirPath,
        "FILE" | "PATH" => ValueHint::FilePath,
        "USER" => ValueHint::Username,
        _ => ValueHint::Other,
    })
}

/// Names the flags that take the next word as their value, with one dash and with two.
fn with_flags(script: &str, separator: &str) -> String {
    let command = Args::command();
    let names: Vec<String> = command
        .get_arguments()
        .filter(|argument| argument.get_action().takes_values())
        .filter_map(|argument| argument.get_long())
        .flat_map(|name| [format!("--{name}"), format!("-{name}")])
        .collect();
    script.replace("FLAGS_WITH_VALUE", &names.join(separator))
}
