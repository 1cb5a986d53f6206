//! Revocation: files of passwords and tokens are read again when they change, and sessions end whose login is over.
//!
//! # How it works
//! The files are looked at four times a second, on a blocking thread, as long as there are any: so a change is in force
//! within a second, though it has to stand still for one look. Sessions are gone through when something has changed, and
//! once a second, since cookies expire, and a session may have begun while the file was read.

use std::{future, sync::Arc, time::Duration};

use tokio::{task::spawn_blocking, time::sleep};
use tracing::{error, info};

use super::{current::Current, handler::Handler};

/// Between two looks. Longer lets in for longer who may not come in any more; shorter wakes an idle machine.
const PERIOD: Duration = Duration::from_millis(250);
/// Looks from which on sessions are gone through.
const LOOKS: u32 = 4;

impl Current {
    /// Watches the files of the handler in force, until the runtime ends.
    pub async fn watch_logins(&self) {
        let mut handlers = self.subscribe();
        let mut looks = 0;
        loop {
            let has_changed = handlers.has_changed().unwrap_or(false);
            let handler = Arc::clone(&handlers.borrow_and_update());
            looks = match has_changed || handler.refresh_logins().await {
                true => LOOKS,
                false => looks + 1,
            };
            if looks >= LOOKS {
                handler.end_revoked_sessions();
                looks = 0;
            }
            if !handler.options.router.logins.is_empty() {
                sleep(PERIOD).await;
            } else if handlers.changed().await.is_ok() {
                handlers.mark_changed();
            } else {
                // There will be no other.
                future::pending::<()>().await;
            }
        }
    }
}

impl Handler {
    /// Reads files of passwords and tokens that have changed: whether any has.
    async fn refresh_logins(&self) -> bool {
        let files = self.options.router.logins.clone();
        if files.is_empty() {
            return false;
        }
        let Ok((has_changed, faults)) = spawn_blocking(move || files.refresh()).await else {
            return false;
        };
        for fault in faults {
            error!("{fault}");
        }
        if has_changed {
            info!("the passwords and tokens have changed and were read again");
        }
        has_changed
    }

    fn end_revoked_sessions(&self) {
        let files = &self.options.router.logins;
        self.state
            .registry
            .end_without_login(|login| !files.still_have(login));
    }
}
