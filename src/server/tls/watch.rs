//! File watching: whether the files of certificates have changed.
//!
//! # How it works
//! Every file is looked at once a second (stat(2), through links, so that the swapped links of certbot and
//! Kubernetes are seen). What has changed is read when it has stood still for one look, since a certificate
//! and its key are two files, and a copy in progress is none yet.

use std::time::Duration;

use tokio::time::sleep;
use tracing::{error, info};

use super::current::Tls;

/// Between two looks. Longer delays a certificate that somebody waits for; shorter reads more half-written
/// pairs, and wakes an idle machine.
const PERIOD: Duration = Duration::from_secs(1);

/// Loads files that change, for ever. A state that is broken is logged once, and leaves all as it is.
pub(in crate::server) async fn watch(tls: Tls) {
    let mut tried = tls.config().stamps.clone();
    let mut seen = tried.clone();
    loop {
        sleep(PERIOD).await;
        let config = tls.config();
        let now = config.options.stamps();
        let stands_still = now == seen;
        seen.clone_from(&now);
        // What SIGHUP has loaded meanwhile need not be loaded again.
        if now == tried || now == config.stamps || !stands_still {
            continue;
        }
        tried = now;
        match config.reload() {
            Ok(changed) => {
                changed.report();
                tls.replace(changed);
                info!("the certificates have changed and were loaded");
            }
            Err(error) => error!("the certificates stay as they are: {error}"),
        }
    }
}
