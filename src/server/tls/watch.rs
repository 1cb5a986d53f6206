//! File watching: whether the files of certificates have changed.
//!
//! # How it works
//! Every file is looked at once a second (stat(2), through links, so that the swapped links of certbot and
//! Kubernetes are seen). What has changed is read when it has stood still for one look, since a certificate
//! and its key are two files, and a copy in progress is none yet; what goes on changing is loaded when it is whole. All
//! of that happens on a blocking thread: a file may
//! lie on a disk that is gone, or be under a lease (fcntl(2), `F_SETLEASE`), and no connection waits for that.

use std::{sync::Arc, time::Duration};

use tokio::{task::spawn_blocking, time::sleep};
use tracing::{error, info};

use super::current::Tls;
use crate::file_stamp::{Change, Changes};

/// Between two looks. Longer delays a certificate that somebody waits for; shorter reads more half-written
/// pairs, and wakes an idle machine.
const PERIOD: Duration = Duration::from_secs(1);

/// Loads files that change, until the runtime ends. A state that is broken is logged once, and leaves all as it is.
pub(in crate::server) async fn watch(tls: Tls) {
    let mut changes = Changes::new(tls.config().stamps.clone());
    loop {
        sleep(PERIOD).await;
        let config = tls.config();
        let watched = Arc::clone(&config);
        let Ok(now) = spawn_blocking(move || watched.options.stamps()).await else {
            return;
        };
        // What SIGHUP has loaded meanwhile need not be loaded again.
        let Some(change) = changes.look(&now).filter(|_| now != config.stamps) else {
            continue;
        };
        let Ok(loaded) = spawn_blocking(move || config.reload()).await else {
            return;
        };
        match (loaded, change) {
            (Ok(changed), _) => {
                changes.set_read(now);
                changed.report();
                tls.replace(changed);
                info!("the certificates have changed and were loaded");
            }
            (Err(error), Change::Settled) => error!("the certificates stay as they are: {error}"),
            // It is told when it stands still.
            (Err(_), Change::Restless) => {}
        }
    }
}
