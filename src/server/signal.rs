//! Signals to the gateway: SIGTERM and SIGINT stop it, SIGHUP reloads.

use std::{io, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::Instant,
};

/// A signal that comes so soon after the first is the same wish again: timeout(1) sends its own to the process and
/// then to the group, npm and shells pass on what the terminal has sent already. Shorter would take that for
/// impatience on a busy machine and cut everybody off, longer would not hear who presses Ctrl-C twice.
const REPETITION: Duration = Duration::from_millis(500);

/// The signals that ask for a stop.
#[derive(Debug)]
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    /// When the first one came.
    first: Option<Instant>,
}

impl StopSignals {
    /// Takes the signals over from their default, which is to end the process.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn new() -> io::Result<Self> {
        Ok(StopSignals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            first: None,
        })
    }

    /// Waits for the next one that is no repetition of the first; returns its number. Cancel safe: yes.
    pub async fn next(&mut self) -> u8 {
        loop {
            let kind = tokio::select! {
                _ = self.interrupt.recv() => SignalKind::interrupt(),
                _ = self.terminate.recv() => SignalKind::terminate(),
            };
            let is_repeated = self.first.is_some_and(|first| first.elapsed() < REPETITION);
            if !is_repeated {
                self.first.get_or_insert_with(Instant::now);
                return kind.as_raw_value() as u8;
            }
        }
    }
}

/// The signal that asks to read the configuration again.
#[derive(Debug)]
pub struct ReloadSignal(Signal);

impl ReloadSignal {
    /// Takes the signal over from its default, which is to end the process: so the gateway outlives its
    /// terminal.
    ///
    /// # Errors
    /// When the handler cannot be installed.
    pub fn new() -> io::Result<Self> {
        Ok(ReloadSignal(signal(SignalKind::hangup())?))
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        self.0.recv().await;
    }
}
