//! `X-Forwarded-For`, `-Proto` and `-Host`, which no standard describes.

use hyper::HeaderMap;

use super::hop::{Hop, node};

/// What tells of clients' addresses.
const FOR: &str = "x-forwarded-for";

/// The hops of `X-Forwarded-For`, the nearest last. Of `-Proto` and `-Host` there may be one for each
/// hop, or one alone, which is then the nearest proxy's word for all of them.
pub(super) fn hops(headers: &HeaderMap) -> Vec<Hop> {
    let clients = list(headers, FOR);
    let (protos, hosts) = (
        list(headers, "x-forwarded-proto"),
        list(headers, "x-forwarded-host"),
    );
    let count = clients
        .len()
        .max(usize::from(!protos.is_empty() || !hosts.is_empty()));
    let of = |values: &[&str], index: usize| {
        let value = match values.len() == count {
            true => values.get(index),
            false => values.last(),
        };
        value.map(|value| (*value).to_owned())
    };
    let hop = |index| Hop {
        client: clients.get(index).and_then(|client: &&str| node(client)),
        proto: of(&protos, index),
        host: of(&hosts, index),
    };
    (0..count).map(hop).collect()
}

/// The values of all lines. One that is no text is unknown, but not those beside it: a client may have
/// sent it, and a proxy have added to the same line.
fn list<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let lines = headers.get_all(name).iter();
    let values = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    values
        .map(|value| std::str::from_utf8(value).unwrap_or("unknown").trim())
        .collect()
}
