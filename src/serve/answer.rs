//! A request into a response.

use crate::serve::metrics::page;
use crate::serve::pulse::Pulse;
use crate::serve::server::Question;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout;

/// The format by its name.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Whoever asks again within this gets the same page, so the loop is asked at most that often.
const SAME_PAGE: Duration = Duration::from_secs(1);

/// How long the loop may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What every connection shares.
pub(super) struct Desk {
    questions: mpsc::Sender<Question>,
    pulse: Pulse,
    last: Mutex<Option<(Instant, Bytes)>>,
}

impl Desk {
    pub(super) fn new(questions: mpsc::Sender<Question>, pulse: Pulse) -> Self {
        Self {
            questions,
            pulse,
            last: Mutex::new(None),
        }
    }

    pub(super) async fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        let is_read = [Method::GET, Method::HEAD].contains(method);
        match path {
            "/metrics" | "/healthz" if !is_read => refuse_method(),
            "/metrics" => match timeout(PATIENCE, self.metrics()).await {
                Ok(Some(page)) => respond(StatusCode::OK, METRICS, page),
                _ => unavailable("the loop does not answer\n"),
            },
            "/healthz" if self.pulse.is_alive(Instant::now()) => say(StatusCode::OK, "ok\n"),
            "/healthz" => unavailable("the loop does not turn\n"),
            _ => say(StatusCode::NOT_FOUND, "not here: /metrics, /healthz\n"),
        }
    }

    /// The page; `None` when the loop has ended.
    async fn metrics(&self) -> Option<Bytes> {
        let mut last = self.last.lock().await;
        if let Some((at, page)) = &*last
            && at.elapsed() < SAME_PAGE
        {
            return Some(page.clone());
        }
        *last = None;
        let (question, answer) = oneshot::channel();
        self.questions.send(Question(question)).await.ok()?;
        let page = Bytes::from(page(answer.await.ok()?).ok()?);
        *last = Some((Instant::now(), page.clone()));
        Some(page)
    }
}

fn refuse_method() -> Response<Full<Bytes>> {
    let mut response = say(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    let allowed = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(ALLOW, allowed);
    response
}

fn unavailable(text: &'static str) -> Response<Full<Bytes>> {
    say(StatusCode::SERVICE_UNAVAILABLE, text)
}

fn say(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    respond(status, TEXT, Bytes::from_static(text.as_bytes()))
}

fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_does_not_turn_is_ill() {
        let ask = |turned| {
            let (questions, _nobody) = mpsc::channel(1);
            let desk = Desk::new(questions, Pulse::new(turned));
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_time().build().unwrap();
            let response = runtime.block_on(desk.answer(&Method::GET, "/healthz"));
            response.status().as_u16()
        };
        let now = Instant::now();
        let long_ago = now.checked_sub(Duration::from_secs(91)).unwrap();
        assert_eq!((ask(now), ask(long_ago)), (200, 503));
    }
}
