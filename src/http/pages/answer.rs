//! Plain HTTP requests, those that are not for a WebSocket: answered by a script, a file, the console.

use hyper::{
    Response,
    body::Body as _,
    header::{self, HeaderValue},
};

use super::{
    cgi::{self, CgiAnswer, Scripts},
    client_script, console,
    file::{self, Files},
    logout, options,
    route::{Page, PlainRoute},
    terminal, watch,
};
use crate::http::{
    access::DescriptorBudget,
    answerer::{Answer, Answerer, Refused},
    body::{Body, with_guard},
    page_script::{PageEncoding, PageScript},
    plain::preflight,
    refusal::Refusal,
    request::ClientRequest,
    state::State,
    unread_body::UnreadBody,
    url_path::UrlPath,
};

/// What comes of a plain request.
#[derive(Debug)]
pub(in crate::http) enum PlainAnswer {
    /// An answer.
    Answer(Answer),
    /// Path and query of what is to answer instead (RFC 3875 §6.2.2).
    LocalRedirect(String),
}

/// Answers a plain request. A script takes the body, which it may need.
///
/// # Errors
/// Why there is no answer.
pub(in crate::http) async fn answer(
    state: &State,
    request: ClientRequest<'_>,
    path: &UrlPath,
    body: &mut UnreadBody,
    route: PlainRoute<'_>,
) -> Result<PlainAnswer, Refused> {
    let page = match route {
        PlainRoute::Page(page, _) => page,
        PlainRoute::Terminals(directory, other) => {
            let found = directory.find(path).await.map_err(Refusal::Start)?;
            if !found.is_some_and(|found| found.is_alone()) {
                let other = *other.ok_or(Refusal::NoPage)?;
                return Box::pin(answer(state, request, path, body, other)).await;
            }
            Page::Terminal
        }
        PlainRoute::Scripts(scripts, page, _) => {
            if let Some(answer) = run_script(state, request, path, body, &scripts).await {
                return answer;
            }
            page.ok_or(Refusal::NoPage)?
        }
    };
    let answer = answer_page(state, request, path, page).await?;
    Ok(PlainAnswer::Answer(answer))
}

/// Runs the script that a path leads to, if it leads to one.
pub(in crate::http) async fn run_script(
    state: &State,
    request: ClientRequest<'_>,
    path: &UrlPath,
    body: &mut UnreadBody,
    scripts: &[&Scripts],
) -> Option<Result<PlainAnswer, Refused>> {
    for scripts in scripts {
        let script = match scripts.find(path).await {
            Ok(Some(script)) => script,
            Ok(None) => continue,
            Err(error) => return Some(Err(Answerer::Cgi.refuse(Refusal::Start(error)))),
        };
        if let Err(bad) = path.check_for_programs() {
            return Some(Err(Answerer::Cgi.refuse(bad)));
        }
        let page_script = page_script(state, request);
        // In a box, or every file's answer would have the room that a script's takes.
        let answer = Box::pin(cgi::answer(state, scripts, &script, request, body));
        return Some(match answer.await {
            Ok(CgiAnswer::LocalRedirect(target)) => Ok(PlainAnswer::LocalRedirect(target)),
            Ok(CgiAnswer::Response(response)) => {
                let response = with_script(page_script, request, response);
                let answer = Answerer::Cgi.answer(Ok(response));
                answer.map(PlainAnswer::Answer)
            }
            Err(refusal) => Err(Answerer::Cgi.refuse(refusal)),
        });
    }
    None
}

async fn answer_page(
    state: &State,
    request: ClientRequest<'_>,
    path: &UrlPath,
    page: Page<'_>,
) -> Result<Answer, Refused> {
    match page {
        Page::Console => Answerer::Console.answer(console::page(&request.parts.method)),
        Page::ConsoleFeed => Answerer::ConsoleFeed.answer(console::feed(state, request)),
        Page::Terminal | Page::TerminalScript => {
            Answerer::Terminal.answer(terminal::answer(request.parts))
        }
        Page::ClientScript(script) => {
            Answerer::ClientScript.answer(client_script::answer(request.parts, script))
        }
        Page::File(files) => {
            let page_script = page_script(state, request);
            let answer = answer_file(files, request, path).await;
            Answerer::File.answer(answer.map(|file| watched_file(page_script, request, file)))
        }
        Page::Preflight(cors) => Answerer::Nobody.answer(Ok(cors.preflight(request.parts))),
        Page::SessionPreflight(origins) => {
            Answerer::Nobody.answer(Ok(preflight(origins, request.parts)))
        }
        Page::Logout => Answerer::Nobody.answer(logout::answer(request)),
        Page::WatchScript => Answerer::Nobody.answer(watch::answer_script(request)),
        Page::WatchStream => Answerer::Nobody.answer(watch::answer_stream(state, request)),
        Page::Options(methods) => Answerer::Nobody.answer(options::answer(methods)),
        Page::UpgradeRequired => Err(Answerer::Program.refuse(Refusal::UpgradeRequired)),
        Page::UpgradeOrPost => Err(Answerer::Program.refuse(Refusal::UpgradeOrPost)),
    }
}

/// Answers with a file, which counts for as long as it is open where one connection may have many.
async fn answer_file(
    files: &Files,
    request: ClientRequest<'_>,
    path: &UrlPath,
) -> Result<Response<Body>, Refusal> {
    let budget: Option<&DescriptorBudget> = request.parts.extensions.get();
    let permit = match budget {
        Some(budget) => budget.acquire_file().await,
        None => None,
    };
    let response = file::answer(files, request.parts, path).await?;
    // What is in memory as a whole holds no file.
    let is_read = response.body().size_hint().exact().is_some();
    Ok(match permit.filter(|_| !is_read) {
        Some(permit) => response.map(|body| with_guard(body, permit)),
        None => response,
    })
}

/// The script of pages, where files are watched; of the state before any of them is looked at.
fn page_script(state: &State, request: ClientRequest<'_>) -> Option<PageScript> {
    let prefix = &request.connection.prefix;
    let script = || PageScript::new(prefix, &state.page_updates.state());
    state.is_watching.then(script)
}

/// An answer with the script, if it is a page.
fn with_script(
    script: Option<PageScript>,
    request: ClientRequest<'_>,
    response: Response<Body>,
) -> Response<Body> {
    match script {
        Some(script) => script.add_to(&request.parts.method, response),
        None => response,
    }
}

/// A file as it is sent while files are watched: a page has the script, and nothing else is taken from a cache without
/// asking, or a page that loads anew would be made of what was there before.
fn watched_file(
    script: Option<PageScript>,
    request: ClientRequest<'_>,
    mut response: Response<Body>,
) -> Response<Body> {
    if script.is_some() {
        let ask = HeaderValue::from_static("no-cache");
        response.headers_mut().insert(header::CACHE_CONTROL, ask);
    }
    // A directory's page runs no scripts.
    let is_page = response.extensions().get::<PageEncoding>().is_some();
    with_script(script.filter(|_| is_page), request, response)
}
