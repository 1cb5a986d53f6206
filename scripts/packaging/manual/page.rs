//! The manual page: what clap knows of the flags, in groups, and what it does not know from `page.roff`.

use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use wsd::args::Args;

/// Sections that no declaration holds, in man(7).
const SECTIONS: &str = include_str!("page.roff");

/// Where flags without a group of their own go.
const OTHER: &str = "Other";

/// The page in man(7); `date` is YYYY-MM-DD.
///
/// # Errors
/// None but those of writing to memory.
pub(crate) fn render(date: &str) -> io::Result<String> {
    let mut command = Args::command();
    command.build();
    let command = command.mut_args(|argument| match argument.get_help_heading() {
        Some(_) => argument,
        None => argument.help_heading(OTHER),
    });
    let synopsis = synopsis(&command);
    let man = Man::new(command)
        .title("WSD")
        .date(date)
        .manual("User Commands");

    let mut head = Vec::new();
    man.render_title(&mut head)?;
    man.render_name_section(&mut head)?;
    let mut description = Vec::new();
    man.render_description_section(&mut description)?;
    let mut options = Vec::new();
    man.render_options_section(&mut options)?;
    Ok([
        text(head),
        synopsis,
        text(description),
        ".SH OPTIONS\n".to_owned(),
        options_in_one_section(&text(options)),
        SECTIONS.to_owned(),
    ]
    .concat())
}

fn text(roff: Vec<u8>) -> String {
    // Each piece opens with the definition of the apostrophe; one is enough, the title's.
    let text = String::from_utf8(roff).expect("roff of UTF-8 is UTF-8");
    match text.split_once(".SH ") {
        Some((preamble, section)) if !preamble.contains(".TH ") => format!(".SH {section}"),
        _ => text,
    }
}

/// `wsd [OPTIONS] COMMAND [ARGS...]` with what is typed in bold and what stands for something in italics.
fn synopsis(command: &Command) -> String {
    let usage = command
        .get_overridden_usage()
        .map(ToString::to_string)
        .unwrap_or_default();
    let words: Vec<String> = usage
        .split_whitespace()
        .map(|word| match word {
            "wsd" => r"\fBwsd\fR".to_owned(),
            _ => {
                let name = word.trim_matches(['[', ']', '.']);
                word.replace(name, &format!(r"\fI{name}\fR"))
            }
        })
        .collect();
    format!(".SH SYNOPSIS\n{}\n", words.join(" "))
}

/// Groups as subsections of one section, and flags in the form in which they are typed.
fn options_in_one_section(options: &str) -> String {
    let mut page = String::new();
    let mut lines = options.lines().peekable();
    while let Some(line) = lines.next() {
        match line.strip_prefix(".SH ") {
            Some(heading) => page.push_str(&format!(".SS {}\n", capitalised(heading))),
            // Two breaks around an empty line, which is a mistake to mandoc(1): a paragraph.
            None if line == ".br" && lines.next_if_eq(&"").is_some() => {
                lines.next_if_eq(&".br");
                page.push_str(".IP\n");
            }
            None => page.push_str(&format!("{}\n", as_typed(line))),
        }
    }
    page
}

fn capitalised(heading: &str) -> String {
    let heading = heading.trim_matches('"').to_lowercase();
    let mut letters = heading.chars();
    letters
        .next()
        .map(|first| format!("{}{}", first.to_uppercase(), letters.as_str()))
        .unwrap_or_default()
}

/// `--port <PORT>` as `--port=PORT`.
fn as_typed(line: &str) -> String {
    if !line.starts_with(r"\fB\-\-") {
        return line.to_owned();
    }
    line.replacen(r"\fR \fI<", r"\fR=\fI", 1)
        .replacen(r">\fR", r"\fR", 1)
}
