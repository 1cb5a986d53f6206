//! Requests that are not for a WebSocket: scripts, files, the console.

use hyper::{
    Method, Response, Version,
    body::{Body as _, Incoming},
    header,
    http::request::Parts,
};

use super::{
    cgi::{self, CgiAnswer, CgiRequest},
    console, file,
    router::Route,
};
use crate::{
    connection::ConnectionInfo,
    http::{
        access::Authority, answerer::Answerer, body::Body, handler::Handler, refusal::Refusal,
        url_path::UrlPath,
    },
};

/// Local redirects of one request; a script that needs more is in a loop.
const LOCAL_REDIRECTS: usize = 10;

/// A request that is not for a WebSocket.
pub(in crate::http) struct PlainRequest<'a> {
    pub(in crate::http) parts: Parts,
    pub(in crate::http) path: UrlPath,
    pub(in crate::http) body: Option<Incoming>,
    pub(in crate::http) host: Option<&'a Authority>,
    pub(in crate::http) connection: &'a ConnectionInfo,
}

impl PlainRequest<'_> {
    /// Makes of it the GET that a script has asked to be answered in its place.
    fn redirect(&mut self, target: &str) -> Result<(), Refusal> {
        let bad = || Refusal::BadScript("its Location is not a path of this server".to_owned());
        self.parts.uri = target.parse().map_err(|_| bad())?;
        self.path = UrlPath::decode(self.parts.uri.path()).map_err(|_| bad())?;
        if self.parts.method != Method::HEAD {
            self.parts.method = Method::GET;
        }
        self.body = None;
        for name in [
            header::CONTENT_LENGTH,
            header::CONTENT_TYPE,
            header::TRANSFER_ENCODING,
        ] {
            self.parts.headers.remove(name);
        }
        Ok(())
    }
}

impl Handler {
    /// Answers a plain request, which scripts may send on to other paths (RFC 3875 §6.2.2).
    pub(in crate::http) async fn plain(
        &self,
        mut request: PlainRequest<'_>,
        by: &mut Answerer,
    ) -> Result<Response<Body>, Refusal> {
        let answer = self.plain_answer(&mut request, by).await;
        self.discard(request);
        answer
    }

    /// A stream of HTTP/2 whose client still sends would be reset behind the answer (RFC 9113 §8.1), and clients
    /// have been seen to take that for a failure. HTTP/1.1 is hyper's own affair.
    fn discard(&self, request: PlainRequest<'_>) {
        let is_stream = request.parts.version == Version::HTTP_2;
        if let Some(body) = request
            .body
            .filter(|body| is_stream && !body.is_end_stream())
        {
            let discarding = cgi::discard(body, cgi::CLOSING_GRACE);
            self.state.tasks.spawn(discarding);
        }
    }

    async fn plain_answer(
        &self,
        request: &mut PlainRequest<'_>,
        by: &mut Answerer,
    ) -> Result<Response<Body>, Refusal> {
        for _ in 0..=LOCAL_REDIRECTS {
            match self.script(request, by).await? {
                Some(CgiAnswer::Response(response)) => return Ok(response),
                Some(CgiAnswer::LocalRedirect(target)) => request.redirect(&target)?,
                None => return self.page(request, by).await,
            }
        }
        Err(Refusal::BadScript(format!(
            "there were more than {LOCAL_REDIRECTS} local redirects"
        )))
    }

    /// The answer of the script that a path leads to, if it leads to one.
    async fn script(
        &self,
        request: &mut PlainRequest<'_>,
        by: &mut Answerer,
    ) -> Result<Option<CgiAnswer>, Refusal> {
        for scripts in self.options.router.scripts(&request.path) {
            let Some(script) = scripts.find(&request.path).await else {
                continue;
            };
            *by = Answerer::Cgi;
            request.path.check_for_programs()?;
            let ask = CgiRequest {
                parts: &request.parts,
                host: request.host,
                connection: request.connection,
                body: request.body.take(),
            };
            let runner = cgi::Runner(&self.state);
            return runner.answer(scripts, &script, ask).await.map(Some);
        }
        Ok(None)
    }

    async fn page(
        &self,
        request: &PlainRequest<'_>,
        by: &mut Answerer,
    ) -> Result<Response<Body>, Refusal> {
        match self.options.router.plain(&request.path) {
            Route::ProgramOnly => {
                *by = Answerer::Program;
                Err(Refusal::UpgradeRequired)
            }
            Route::Console => {
                *by = Answerer::Console;
                console::page(&request.parts.method)
            }
            Route::File(files) => {
                *by = Answerer::File;
                file::answer(files, &request.parts, &request.path).await
            }
            _ => Err(Refusal::NotFound),
        }
    }
}
