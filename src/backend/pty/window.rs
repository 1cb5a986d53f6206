//! Flow control of a terminal: how much output is on its way that the client has not drawn yet.
//!
//! Input and output of a session are polled by its one task, so the lock is never waited for.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

/// Output that may be undrawn, in bytes. Less makes a client wait that is far away, more makes ^C wait for what it has
/// yet to draw.
const MOST: u64 = 256 * 1024;

/// What a client acknowledges that it cannot have drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotSent {
    pub(super) sent: u64,
}

/// Open while the client keeps up, or says nothing of it: then the connection's backpressure holds alone.
#[derive(Debug, Clone, Default)]
pub(in crate::backend) struct Window(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    sent: u64,
    /// `None` before the first word of it.
    drawn: Option<u64>,
    /// The program takes nothing, so what the client acknowledges behind that is not heard: who waited for it would
    /// wait for ever where the program waits for us to read.
    is_unheard: bool,
    /// The client has gone.
    is_released: bool,
    waker: Option<Waker>,
}

impl State {
    fn is_shut(&self) -> bool {
        let undrawn = self.drawn.map_or(0, |drawn| self.sent - drawn);
        undrawn >= MOST && !self.is_unheard && !self.is_released
    }

    fn wake_if_open(&mut self) {
        if !self.is_shut()
            && let Some(waker) = self.waker.take()
        {
            waker.wake();
        }
    }
}

impl Window {
    /// Ready when more may be sent.
    pub(super) fn poll_open(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        match state.is_shut() {
            true => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
            false => Poll::Ready(()),
        }
    }

    /// Whether more would be sent if the client had drawn more.
    pub(in crate::backend) fn is_shut(&self) -> bool {
        self.0.lock().is_shut()
    }

    /// Nobody draws any more.
    pub(in crate::backend) fn release(&self) {
        let mut state = self.0.lock();
        state.is_released = true;
        state.wake_if_open();
    }

    pub(super) fn count_sent(&self, bytes: usize) {
        self.0.lock().sent += bytes as u64;
    }

    /// The client has drawn so many bytes, all in all.
    ///
    /// # Errors
    /// More than it was sent.
    pub(super) fn acknowledge(&self, bytes: u64) -> Result<(), NotSent> {
        let mut state = self.0.lock();
        if bytes > state.sent {
            return Err(NotSent { sent: state.sent });
        }
        state.drawn = Some(state.drawn.unwrap_or(0).max(bytes));
        state.wake_if_open();
        Ok(())
    }

    /// Whether there is no room for what the client says.
    pub(super) fn set_unheard(&self, is_unheard: bool) {
        let mut state = self.0.lock();
        state.is_unheard = is_unheard;
        state.wake_if_open();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn is_open(window: &Window) -> bool {
        let polled = std::future::poll_fn(|context| window.poll_open(context));
        polled.now_or_never().is_some()
    }

    #[test]
    fn client_that_never_acknowledges_is_not_waited_for() {
        let window = Window::default();
        window.count_sent(100 << 20);
        assert!(is_open(&window));
    }

    #[test]
    fn window_shuts_and_opens_with_what_is_drawn() {
        let window = Window::default();
        window.count_sent(MOST as usize);
        assert_eq!(window.acknowledge(0), Ok(()));
        assert!(!is_open(&window));
        assert_eq!(window.acknowledge(1), Ok(()));
        assert!(is_open(&window));
        window.count_sent(1);
        assert!(!is_open(&window));
        window.set_unheard(true);
        assert!(is_open(&window), "who is not heard is not waited for");
        window.set_unheard(false);
        assert!(!is_open(&window));
        window.release();
        assert!(is_open(&window));
    }

    #[test]
    fn what_was_never_sent_cannot_be_drawn_and_less_than_before_means_nothing() {
        let window = Window::default();
        window.count_sent(10);
        assert_eq!(window.acknowledge(11), Err(NotSent { sent: 10 }));
        assert_eq!(window.acknowledge(10), Ok(()));
        assert_eq!(window.acknowledge(3), Ok(()));
        window.count_sent(MOST as usize - 1);
        assert!(is_open(&window));
    }
}
