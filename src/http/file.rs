//! Static files: GET and HEAD of what lies beneath a root (RFC 9110 §9.3).

use std::{fs::File, io, sync::Arc};

use http_body_util::{BodyExt, StreamBody};
use hyper::{Method, Response, StatusCode, body::Frame, header};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::{
    Body, empty,
    path::{Root, UrlPath},
    refusal::Refusal,
};

/// What is served for a directory.
const INDEX: &str = "index.html";
/// Bytes read at once: large enough that a file costs few trips to the blocking threads.
const READ: usize = 64 * 1024;

/// The files of one directory.
#[derive(Debug, Clone)]
pub struct Files {
    root: Arc<Root>,
    /// A directory within, whose files are not given out.
    except: Option<Arc<Root>>,
}

impl Files {
    /// The files beneath a root.
    pub fn new(root: Root) -> Self {
        Files {
            root: Arc::new(root),
            except: None,
        }
    }

    /// Gives out nothing that lies beneath another root, whichever path or link leads there.
    pub fn except(self, root: Arc<Root>) -> Self {
        Files {
            except: Some(root),
            ..self
        }
    }

    /// Answers a request for a file.
    ///
    /// # Errors
    /// [`Refusal`]: not GET or HEAD, nothing there, not a regular file, not readable.
    pub(super) async fn answer(
        &self,
        method: &Method,
        path: &UrlPath,
    ) -> Result<Response<Body>, Refusal> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Err(Refusal::MethodNotAllowed("GET, HEAD"));
        }
        if path.is_hidden() {
            return Err(Refusal::NotFound);
        }
        let (root, wanted) = (Arc::clone(&self.root), path.clone());
        let except = self.except.clone();
        // Opening may wait for a disk, which a worker of the runtime must not.
        let opened =
            tokio::task::spawn_blocking(move || open(&root, except.as_deref(), &wanted)).await;
        match opened.map_err(io::Error::other).and_then(|found| found) {
            Ok(Found::File { file, length, name }) => Ok(whole(method, file, length, &name)),
            Ok(Found::Directory) => redirect_to_directory(path),
            Err(error) => Err(refusal(error)),
        }
    }
}

enum Found {
    File {
        file: File,
        length: u64,
        name: String,
    },
    /// A directory whose URL lacks the slash that relative links need.
    Directory,
}

fn open(root: &Root, except: Option<&Root>, path: &UrlPath) -> io::Result<Found> {
    let is_directory = path.as_str().ends_with('/');
    let file = match is_directory {
        true => root.open_in(path, INDEX)?,
        false => root.open_beneath(path)?,
    };
    if except.is_some_and(|except| except.contains(&file)) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let metadata = file.metadata()?;
    if metadata.is_dir() && !is_directory {
        return Ok(Found::Directory);
    }
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let name = if is_directory { INDEX } else { path.as_str() };
    Ok(Found::File {
        file,
        length: metadata.len(),
        name: name.to_owned(),
    })
}

fn refusal(error: io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            Refusal::Forbidden("this file cannot be read".to_owned())
        }
        // Among others a link that leads out of the root (EXDEV), which is nobody's business.
        _ => Refusal::NotFound,
    }
}

fn redirect_to_directory(path: &UrlPath) -> Result<Response<Body>, Refusal> {
    let target: String = path
        .as_str()
        .bytes()
        .map(escape)
        .chain(["/".to_owned()])
        .collect();
    Response::builder()
        .status(StatusCode::MOVED_PERMANENTLY)
        .header(header::LOCATION, target)
        .body(empty())
        .map_err(|_| Refusal::NotFound)
}

/// A byte as it may stand in a path (RFC 3986 §3.3).
fn escape(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    }
}

fn whole(method: &Method, file: File, length: u64, name: &str) -> Response<Body> {
    let body = match *method {
        Method::HEAD => empty(),
        _ => contents(file, length),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length.into());
    if let Ok(content_type) = content_type(name).try_into() {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    response
}

/// Exactly `length` bytes: what is appended meanwhile is left out, and a file that has shrunk breaks the
/// connection, which the client notices, rather than the length.
fn contents(file: File, length: u64) -> Body {
    let file = tokio::fs::File::from_std(file);
    let stream = ReaderStream::with_capacity(file.take(length), READ);
    let frames = futures_util::TryStreamExt::map_ok(stream, Frame::data);
    BodyExt::boxed_unsync(StreamBody::new(frames))
}

fn content_type(name: &str) -> String {
    let guess = mime_guess::from_path(name).first_or_octet_stream();
    let is_text = guess.type_() == mime_guess::mime::TEXT
        || matches!(
            guess.subtype().as_str(),
            "javascript" | "json" | "manifest+json" | "xml"
        );
    match is_text && guess.get_param("charset").is_none() {
        true => format!("{guess}; charset=utf-8"),
        false => guess.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_a_charset_and_the_rest_does_not() {
        assert_eq!(content_type("/a/index.html"), "text/html; charset=utf-8");
        assert_eq!(content_type("/app.js"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("/picture.png"), "image/png");
        assert_eq!(content_type("/Makefile"), "application/octet-stream");
    }
}
