//! The options of a route: who may open it, what its program finds, what it may take.

use std::sync::Arc;

use super::{
    flag_error::FlagError,
    headers::added_headers,
    session::{compression, timeouts, websocket},
    variables::environ,
};
use crate::{
    args::{Args, MessageArgs, ProgramArgs},
    http::{
        origins::{AllowedOrigin, Origins},
        path::Root,
        places::Places,
        service::Service,
        upgrade::{Subprotocols, is_token_byte},
    },
};

/// The options of a route of a server; `places` are its own.
pub(super) fn service(
    server: &Args,
    program: &ProgramArgs,
    files: Option<&Root>,
    places: Places,
) -> Result<Service, FlagError> {
    let timeouts = timeouts(&program.limits, server.operation.drain_timeout);
    Ok(Service {
        origins: origins(program)?,
        subprotocols: subprotocols(&program.messages)?,
        headers: added_headers(&[
            ("--header", &server.pages.header),
            ("--header-ws", &program.header_ws),
        ])?,
        environ: environ(&program.process, files.map(Root::path))?,
        websocket: websocket(&program.limits, &timeouts),
        compression: compression(&program.messages),
        limits: Arc::new(timeouts),
        places,
    })
}

fn origins(program: &ProgramArgs) -> Result<Origins, FlagError> {
    let parse = |word: &String| -> Result<AllowedOrigin, FlagError> {
        word.parse()
            .map_err(|reason: String| FlagError::new("--origin", word, reason))
    };
    Ok(Origins {
        allowed: program.origin.iter().map(parse).collect::<Result<_, _>>()?,
        required: program.sameorigin,
    })
}

/// What the opening handshake selects, or asks for.
pub(super) fn subprotocols(args: &MessageArgs) -> Result<Subprotocols, FlagError> {
    let invalid = |value: &str, reason| Err(FlagError::new("--subprotocol", value, reason));
    match &args.subprotocol[..] {
        [] => Ok(Subprotocols::Offered),
        [none] if none == "none" => Ok(Subprotocols::Off),
        names if names.iter().any(|name| name == "none") => {
            invalid(&names.join(","), "'none' stands alone")
        }
        names => match names
            .iter()
            .find(|name| name.is_empty() || !name.bytes().all(is_token_byte))
        {
            Some(name) => invalid(
                name,
                "a subprotocol is a token, letters and digits (RFC 6455 §4.1)",
            ),
            None => Ok(Subprotocols::Listed(names.to_vec())),
        },
    }
}
