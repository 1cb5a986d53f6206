//! The label `handler` of the counted answers: [`Answerer`].

/// Who has answered, for counting.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answerer {
    Program,
    Cgi,
    File,
    Console,
    Redirect,
    Nobody,
}

impl Answerer {
    /// The value of the label.
    pub(super) fn name(self) -> &'static str {
        match self {
            Answerer::Program => "program",
            Answerer::Cgi => "cgi",
            Answerer::File => "file",
            Answerer::Console => "console",
            Answerer::Redirect => "redirect",
            Answerer::Nobody => "none",
        }
    }
}
