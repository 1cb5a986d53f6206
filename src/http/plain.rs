//! Requests that are not for a WebSocket: scripts, files, the console.

use hyper::{
    Method, Response, Version,
    body::{Body as _, Incoming},
    header,
    http::request::Parts,
};

use super::{
    Body, By, Handler, access::Authority, cgi, console, path::UrlPath, refusal::Refusal,
    router::Route,
};
use crate::connection::ConnectionInfo;

/// Local redirects of one request; a script that needs more is in a loop.
const LOCAL_REDIRECTS: usize = 10;

/// A request that is not for a WebSocket.
pub(super) struct Plain<'a> {
    pub(super) parts: Parts,
    pub(super) path: UrlPath,
    pub(super) body: Option<Incoming>,
    pub(super) host: Option<&'a Authority>,
    pub(super) connection: &'a ConnectionInfo,
}

impl Plain<'_> {
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
    pub(super) async fn plain(
        &self,
        mut request: Plain<'_>,
        by: &mut By,
    ) -> Result<Response<Body>, Refusal> {
        let answer = self.plain_answer(&mut request, by).await;
        self.discard(request);
        answer
    }

    /// A stream of HTTP/2 whose client still sends would be reset behind the answer (RFC 9113 §8.1), and clients
    /// have been seen to take that for a failure. HTTP/1.1 is hyper's own affair.
    fn discard(&self, request: Plain<'_>) {
        let is_stream = request.parts.version == Version::HTTP_2;
        if let Some(body) = request
            .body
            .filter(|body| is_stream && !body.is_end_stream())
        {
            let discarding = cgi::discard(body, cgi::CLOSING_GRACE);
            self.shared.tasks.spawn(discarding);
        }
    }

    async fn plain_answer(
        &self,
        request: &mut Plain<'_>,
        by: &mut By,
    ) -> Result<Response<Body>, Refusal> {
        for _ in 0..=LOCAL_REDIRECTS {
            match self.script(request, by).await? {
                Some(cgi::Answer::Response(response)) => return Ok(response),
                Some(cgi::Answer::Elsewhere(target)) => request.redirect(&target)?,
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
        request: &mut Plain<'_>,
        by: &mut By,
    ) -> Result<Option<cgi::Answer>, Refusal> {
        for scripts in self.options.router.scripts(&request.path) {
            let Some(script) = scripts.find(&request.path).await else {
                continue;
            };
            *by = By::Cgi;
            request.path.check_for_programs()?;
            let ask = cgi::Ask {
                parts: &request.parts,
                host: request.host,
                connection: request.connection,
                body: request.body.take(),
            };
            let runner = cgi::Runner(&self.shared);
            return runner.answer(scripts, &script, ask).await.map(Some);
        }
        Ok(None)
    }

    async fn page(&self, request: &Plain<'_>, by: &mut By) -> Result<Response<Body>, Refusal> {
        match self.options.router.plain(&request.path) {
            Route::ProgramOnly => {
                *by = By::Program;
                Err(Refusal::UpgradeRequired)
            }
            Route::Console => {
                *by = By::Console;
                console::page(&request.parts.method)
            }
            Route::File(files) => {
                *by = By::File;
                files.answer(&request.parts, &request.path).await
            }
            _ => Err(Refusal::NotFound),
        }
    }
}
