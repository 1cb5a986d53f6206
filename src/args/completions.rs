//! Completions of shells: clap's own for the flags, and around them that options end where COMMAND begins, that Go's
//! `-port` is `--port`, and that a value which may be left out stands behind a `=`.

use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::{Shell as Generator, generate};

use super::{arguments::Args, command_line::takes_next_word, invocation::Shell};

/// A script in a shell's language that tells it to complete `wsd`: for its folder of completions, or to be sourced.
pub fn completions(shell: Shell) -> String {
    match shell {
        Shell::Bash => bash(),
        Shell::Zsh => zsh(),
        Shell::Fish => fish(),
    }
}

/// clap's function takes `--flag value` alone; `wsd.bash` also knows `--flag=value`, and whose the words behind
/// COMMAND are.
fn bash() -> String {
    let generated = generated(Generator::Bash);
    let function = match generated.split_once("\nif [[ \"${BASH_VERSINFO") {
        // The registration stands at the end.
        Some((function, _)) => function,
        None => &generated,
    };
    let function = function.replace("_wsd()", "_wsd_options()");
    function + &with_flags(include_str!("completions/wsd.bash"), "|")
}

/// `-A` ends the options at the first word that is none; `--flag=-` takes a value behind the `=` alone.
fn zsh() -> String {
    let mut script = generated(Generator::Zsh).replace("options=(-s ", "options=(-A '-*' ");
    for name in optional_values() {
        script = script.replace(&format!("--{name}=["), &format!("--{name}=-["));
    }
    let preamble = with_flags(include_str!("completions/wsd.zsh"), "|");
    script.replacen("\n_wsd() {\n", &format!("\n_wsd() {{\n{preamble}"), 1)
}

/// `wsd.fish` tells options from COMMAND.
fn fish() -> String {
    let optional = optional_values();
    let line = |line: &str| {
        let mut line = line.replace(
            "complete -c wsd ",
            "complete -c wsd -n 'not __wsd_has_command' ",
        );
        let name = line
            .split(" -l ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        if let Some(name) = name.map(str::to_owned) {
            let (long, both) = (format!(" -l {name}"), format!(" -l {name} -o {name}"));
            line = line.replacen(&long, &both, 1);
            if optional.contains(&name) {
                line = line.replace(" -r", "");
            }
        }
        line + "\n"
    };
    let options: String = generated(Generator::Fish).lines().map(line).collect();
    with_flags(include_str!("completions/wsd.fish"), " ") + &options
}

fn generated(shell: Generator) -> String {
    let mut script = Vec::new();
    generate(shell, &mut declaration(), "wsd", &mut script);
    String::from_utf8_lossy(&script).into_owned()
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

/// What is called a FILE or a PATH is one, but for a room's, which is one of the URL.
fn hint(argument: &Arg) -> Option<ValueHint> {
    if !argument.get_action().takes_values() {
        return None;
    }
    let name = argument.get_value_names()?.first()?;
    Some(match name.as_str() {
        _ if argument.get_id() == "room" => ValueHint::Other,
        "DIR" => ValueHint::DirPath,
        "FILE|DIR" | "PATH,..." => ValueHint::AnyPath,
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
        .filter(|argument| takes_next_word(argument))
        .filter_map(Arg::get_long)
        .flat_map(|name| [format!("--{name}"), format!("-{name}")])
        .collect();
    script.replace("FLAGS_WITH_VALUE", &names.join(separator))
}

/// The flags whose value may be left out.
fn optional_values() -> Vec<String> {
    let command = Args::command();
    let arguments = command.get_arguments();
    arguments
        .filter(|argument| argument.get_action().takes_values() && !takes_next_word(argument))
        .filter_map(|argument| argument.get_long().map(str::to_owned))
        .collect()
}
