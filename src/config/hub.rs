//! The broker through which rooms of several machines meet: `--hub` and what belongs to it.

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

use super::{flag_error::FlagError, rooms, route::Route, tls::flag_error_for};
use crate::{
    args::{Args, HubArgs},
    hub::{Authorities, Credentials, HubOptions, HubUrl, lacking, without_secrets},
    server::tls,
    trusted_roots,
};

/// Who else may read or write a file (inode(7)).
const OTHERS: u32 = 0o077;

/// The broker, if there is one.
pub(super) fn hub(args: &HubArgs) -> Result<Option<HubOptions>, FlagError> {
    let Some(text) = &args.hub else {
        return Ok(None);
    };
    let mut url = parse_url(text)?;
    let prefix = args.hub_prefix.parse();
    let prefix =
        prefix.map_err(|reason| FlagError::new("--hub-prefix", &args.hub_prefix, reason))?;
    let from_url = url.credentials.clone();
    let credentials = match &args.hub_credentials {
        Some(_) if from_url.is_some() => {
            return Err(FlagError::about(
                "--hub-credentials",
                "and the URL of --hub both say who wsd is: leave one of them out",
            ));
        }
        Some(file) => Some(read_credentials(file)?),
        None => from_url,
    };
    url.credentials.clone_from(&credentials);
    Ok(Some(HubOptions {
        authorities: authorities(args, &url)?,
        url,
        prefix,
        credentials,
    }))
}

/// What is to be said at the start.
pub(super) fn warnings(
    args: &Args,
    routes: &[Route],
    hub: Option<&HubOptions>,
) -> impl Iterator<Item = String> {
    let idle = hub.filter(|_| !rooms::cross(args, routes));
    let idle = idle.map(|_| {
        "--hub: there are no rooms that could reach other machines: --room and --share=tagged have some"
            .to_owned()
    });
    hub.and_then(open_secret).into_iter().chain(idle)
}

/// A password that can be read by others.
fn open_secret(hub: &HubOptions) -> Option<String> {
    let HubOptions {
        url, credentials, ..
    } = hub;
    let is_open = credentials.is_some() && !url.scheme.is_tls() && !url.is_local();
    is_open.then(|| {
        let tls = if url.scheme.is_nats() { "tls" } else { "rediss" };
        format!(
            "--hub={url}: the password may be read on its way to another machine, and so may all that is said in rooms: \
             {tls}:// encrypts both"
        )
    })
}

fn parse_url(text: &str) -> Result<HubUrl, FlagError> {
    let invalid = |reason: String| FlagError::new("--hub", without_secrets(text), reason);
    let url: HubUrl = text.parse().map_err(invalid)?;
    match lacking(url.scheme) {
        Some(kind) => Err(invalid(format!(
            "this wsd was built without {kind} (a feature of its Cargo.toml)"
        ))),
        None => Ok(url),
    }
}

fn authorities(args: &HubArgs, url: &HubUrl) -> Result<Option<Authorities>, FlagError> {
    let Some(file) = &args.hub_ca else {
        // Found out now rather than at each attempt to connect.
        if url.scheme.is_tls() {
            let roots = trusted_roots::of_system();
            roots.map_err(|reason| {
                FlagError::new("--hub", url, format!("{reason}: give --hub-ca"))
            })?;
        }
        return Ok(None);
    };
    if !url.scheme.is_nats() && !url.scheme.is_tls() {
        let reason = format!("is about TLS, which --hub={url} does not speak: rediss:// does");
        return Err(FlagError::about("--hub-ca", reason));
    }
    let roots = tls::authorities(file).map_err(|error| flag_error_for("--hub-ca", error))?;
    Ok(Some(Authorities {
        file: file.clone(),
        roots,
    }))
}

/// What stands in a file that nobody else reads.
fn read_credentials(file: &Path) -> Result<Credentials, FlagError> {
    let invalid = |reason: String| FlagError::new("--hub-credentials", file.display(), reason);
    let unreadable = |error: io::Error| invalid(format!("cannot be read: {error}"));
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(invalid("is no file".to_owned()));
    }
    if metadata.permissions().mode() & OTHERS != 0 {
        let tip = format!("chmod 600 {}", shell_words::quote(&file.to_string_lossy()));
        return Err(invalid(format!(
            "others than its owner may read it\n\n  tip: {tip}"
        )));
    }
    let text = fs::read(file).map_err(unreadable)?;
    let text = String::from_utf8(text).map_err(|_| invalid("it is no text".to_owned()))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    Credentials::parse(line).map_err(|reason| invalid(reason.to_owned()))
}
