//! Which of a program's standard streams are a pty, and the line discipline of each kind (termios(3)).

use rustix::termios::{InputModes, LocalModes, OutputModes, Termios};

/// Which of a program's standard streams are a pty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pty {
    /// None: three pipes.
    #[default]
    None,
    /// stdout alone, so that the C library writes each line at once. It is no controlling terminal.
    Output,
    /// All three, and its controlling terminal; what it is sent stays as it is.
    Stdio,
    /// The same as a login has it, for a client that speaks the terminal's protocol.
    Terminal {
        /// Whether what the client types is thrown away.
        is_readonly: bool,
    },
}

impl Pty {
    /// Whether it is the controlling terminal of its program.
    pub fn is_controlling(self) -> bool {
        matches!(self, Pty::Stdio | Pty::Terminal { .. })
    }

    /// What the line discipline does, from what the kernel gives a new pty, which is what a login has.
    pub(super) fn set_modes(self, modes: &mut Termios) {
        match self {
            Pty::None => {}
            Pty::Output => modes.make_raw(),
            // A canonical line is cut at 4,095 bytes, and 0x03 and 0x04 would be more than bytes.
            Pty::Stdio => {
                modes.input_modes -= InputModes::ICRNL | InputModes::IXON;
                modes.output_modes -= OutputModes::OPOST;
                modes.local_modes -=
                    LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
            }
            Pty::Terminal { .. } => modes.input_modes |= iutf8(),
        }
    }
}

/// Has the line discipline erase a character whole, where it can.
fn iutf8() -> InputModes {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    return InputModes::IUTF8;
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    InputModes::empty()
}
