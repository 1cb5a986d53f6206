//! A running script: its stdin, its output, its end.
//!
//! # How it works
//! One task a script, which outlives the request's own future: whatever becomes of the client, the
//! script is brought to its end in order. It feeds stdin and relays the output at the same time, so a
//! script that writes before it reads blocks nobody. The response's body is the far end of a channel;
//! that its receiver is gone is how the task sees the client go.

use std::{
    future::Future,
    mem,
    pin::{Pin, pin},
    time::Duration,
};

use futures_util::future::{MaybeDone, maybe_done, pending};
use tokio::{net::unix::pipe::Sender, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    relay::{OutputRelay, ScriptEnd},
    request_body::RequestBody,
    script_timeout::WaitingForSender,
};
use crate::{
    http::{body::CLOSING_GRACE, cgi_response::Reply, refusal::Refusal, unread_body::Rest},
    timer::timeout,
};

/// What a script gets to work on when its client has the answer, without `--cgi-timeout`.
const UNSEEN: Duration = Duration::from_secs(60);

/// A script that was started, and where its answer goes. The server awaits its task when it stops.
pub(super) struct ScriptTask {
    pub(super) content: RequestBody,
    pub(super) input: Sender,
    pub(super) waiting: WaitingForSender,
    pub(super) relay: OutputRelay,
    pub(super) drain: CancellationToken,
}

impl ScriptTask {
    /// Runs until the script and its group are gone.
    pub(super) async fn run(self) {
        let mut relay = self.relay;
        let times = relay.times.clone();
        let mut feed = pin!(maybe_done(self.content.feed(self.input, self.waiting)));
        let mut stopped = pin!(async {
            self.drain.cancelled().await;
            sleep(times.drain).await;
        });
        let mut end = relay_until_end(&mut relay, feed.as_mut(), stopped.as_mut()).await;
        if let ScriptEnd::Unfed(refusal, rest) = end {
            end = relay.refuse(refusal, rest);
        }
        let OutputRelay {
            mut output,
            mut time_limit,
            answer,
            chunks,
            permit,
            ..
        } = relay;
        // With it goes a body that has not ended.
        drop(chunks);
        if !matches!(end, ScriptEnd::Broken) {
            let fed = async {
                feed.as_mut().await;
                pending().await
            };
            time_limit.limit.get_or_insert(UNSEEN);
            tokio::select! {
                _ = time_limit.within(output.wait_ended()) => {}
                () = stopped => {}
                () = fed => {}
            }
        }
        let ending = async {
            output.end(&times.patience).await;
            drop(permit);
            if let (ScriptEnd::LocalRedirect(path), Some(answer)) = (end, answer) {
                // Only now, since what answers there may need the permit.
                let _ = answer.send(Ok(Reply::LocalRedirect(path)));
            }
        };
        let _ = tokio::join!(ending, timeout(CLOSING_GRACE, feed));
    }
}

/// Relays the output while stdin is fed, until either side is done or the server has to stop.
async fn relay_until_end<F: Future<Output = Result<(), (Refusal, Rest)>>>(
    relay: &mut OutputRelay,
    mut feed: Pin<&mut MaybeDone<F>>,
    mut stopped: Pin<&mut impl Future<Output = ()>>,
) -> ScriptEnd {
    let watch = relay.chunks.clone();
    let mut relaying = pin!(relay.run());
    let mut is_fed = false;
    loop {
        tokio::select! {
            biased;
            end = &mut relaying => return end,
            () = feed.as_mut(), if !is_fed => {
                is_fed = true;
                let fed = feed.as_mut().output_mut();
                match fed.map(|fed| mem::replace(fed, Ok(()))) {
                    Some(Err((ours @ (Refusal::BodyTimeout | Refusal::Spool(_)), rest))) => {
                        return ScriptEnd::Unfed(ours, rest);
                    }
                    Some(Err((error, _))) => {
                        debug!("the client went before it had sent all of its body: {error}");
                        return ScriptEnd::Broken;
                    }
                    _ => {}
                }
            }
            () = watch.closed() => {
                debug!("the client went before it had the whole answer");
                return ScriptEnd::Broken;
            }
            () = stopped.as_mut() => {
                warn!("the script is ended: the server is stopping");
                return ScriptEnd::Broken;
            }
        }
    }
}
