//! GET of the stream of updates: server-sent events (HTML, "Server-sent events").

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    Method, Response,
    body::Frame,
    header::{self, HeaderName, HeaderValue},
    http::request::Parts,
};
use tokio_util::sync::CancellationToken;

use super::script::check;
use crate::{
    http::{
        body::{Body, empty},
        page_updates::UpdateStream,
        refusal::Refusal,
        request::ClientRequest,
        state::State,
    },
    timer::sleep,
};

/// From one sign of life to the next. Longer leaves streams to proxies that end what is silent, most of them after 60 s;
/// shorter wakes an idle machine.
const SIGN_OF_LIFE: Duration = Duration::from_secs(25);

/// Milliseconds until a browser that has lost its stream asks again. Longer has somebody wait who has started the server
/// again; shorter asks a machine that is away in vain.
const RETRY: u32 = 1000;

/// Where the script says which state its page has.
const STATE: &str = "state=";

/// The updates since the state that the request tells of. They end when the server drains.
///
/// # Errors
/// Those of [`check`].
pub(in crate::http) fn answer(
    state: &State,
    request: ClientRequest<'_>,
) -> Result<Response<Body>, Refusal> {
    check(request)?;
    let mut response = Response::new(match request.parts.method {
        Method::HEAD => empty(),
        _ => {
            let updates = state.page_updates.since(known_state(request.parts));
            events(updates, state.drain.clone())
        }
    });
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // Keeps a proxy (nginx) from gathering what is said at once.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// The state of a stream that was lost, else that of the page.
fn known_state(parts: &Parts) -> Option<&str> {
    let lost = parts.headers.get("last-event-id");
    let lost = lost.and_then(|id| id.to_str().ok());
    let mut fields = parts.uri.query().unwrap_or_default().split('&');
    lost.or_else(|| fields.find_map(|field| field.strip_prefix(STATE)))
}

fn events(updates: UpdateStream, drain: CancellationToken) -> Body {
    let known = updates.state().map(|state| format!("id: {state}\n"));
    let first = format!("retry: {RETRY}\n{}\n", known.unwrap_or_default());
    let begun = (Some(first), updates, drain);
    let events = stream::unfold(begun, |(first, mut updates, drain)| async move {
        let text = match first {
            Some(first) => first,
            None => tokio::select! {
                biased;
                () = drain.cancelled() => return None,
                (update, state) = updates.next() => {
                    format!("id: {state}\ndata: {}\n\n", update.name())
                }
                () = sleep(SIGN_OF_LIFE) => ":\n\n".to_owned(),
            },
        };
        let frame = Ok::<_, Infallible>(Frame::data(Bytes::from(text)));
        Some((frame, (None, updates, drain)))
    });
    let body = StreamBody::new(events).map_err(|never| match never {});
    BodyExt::boxed_unsync(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::page_updates::{PageUpdate, PageUpdates};
    use hyper::Request;

    async fn next(body: &mut Body) -> Option<String> {
        let frame = body.frame().await?.expect("no error");
        let data = frame.into_data().expect("data");
        Some(String::from_utf8(data.to_vec()).expect("text"))
    }

    #[tokio::test(start_paused = true)]
    async fn stream_says_its_state_then_each_update_and_ends_with_the_server() {
        let (updates, drain) = (PageUpdates::default(), CancellationToken::new());
        let mut body = events(updates.since(None), drain.clone());
        let begun = format!("retry: 1000\nid: {}\n\n", updates.state());
        assert_eq!(next(&mut body).await, Some(begun));
        assert_eq!(next(&mut body).await.as_deref(), Some(":\n\n"));
        updates.announce(PageUpdate::Style);
        let told = format!("id: {}\ndata: style\n\n", updates.state());
        assert_eq!(next(&mut body).await, Some(told));
        drain.cancel();
        assert_eq!(next(&mut body).await, None);
    }

    #[tokio::test]
    async fn page_of_another_server_has_no_state_before_its_update() {
        let updates = PageUpdates::default();
        let mut body = events(updates.since(Some("x")), CancellationToken::new());
        assert_eq!(next(&mut body).await.as_deref(), Some("retry: 1000\n\n"));
        let told = format!("id: {}\ndata: page\n\n", updates.state());
        assert_eq!(next(&mut body).await, Some(told));
    }

    #[test]
    fn state_of_a_lost_stream_goes_before_that_of_the_page() {
        let known = |uri: &str, id: Option<&str>| {
            let mut request = Request::builder().uri(uri);
            if let Some(id) = id {
                request = request.header("last-event-id", id);
            }
            let (parts, ()) = request.body(()).expect("a request").into_parts();
            known_state(&parts).map(str::to_owned)
        };
        assert_eq!(known("/", None), None);
        assert_eq!(known("/?a=b&state=x-1", None).as_deref(), Some("x-1"));
        assert_eq!(known("/?state=x-1", Some("x-2")).as_deref(), Some("x-2"));
    }
}
