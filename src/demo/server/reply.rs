//! Answers on their way out. Everything a server says is made here, so that all errors have one shape.

use std::io;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::header::{CONTENT_TYPE, DATE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::demo::status::Status;

/// A body in pieces; an error cuts the connection.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;
/// An answer.
pub type Reply = Response<Body>;

/// The usual type of an answer.
pub const JSON: &str = "application/json";

/// An answer of which everything is known.
pub fn whole(code: u16, content_type: &str, body: impl Into<Bytes>) -> Reply {
    reply(code, content_type, Full::new(body.into()).map_err(|never| match never {}).boxed_unsync())
}

/// A JSON answer.
pub fn json(code: u16, value: &Value) -> Reply {
    whole(code, JSON, value.to_string())
}

/// A refusal.
pub fn refusal(status: &Status) -> Reply {
    let mut reply = json(status.code, &status.body());
    if status.code == 429 {
        let seconds = status.details["retryAfterSeconds"].as_u64().unwrap_or(1);
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    reply
}

/// An answer made of pieces that are there already.
pub fn pieces(content_type: &str, pieces: impl Iterator<Item = Bytes> + Send + 'static) -> Reply {
    let frames = stream::iter(pieces.map(|piece| Ok(Frame::data(piece))));
    reply(200, content_type, StreamBody::new(frames).boxed_unsync())
}

/// An answer that goes on as long as somebody sends pieces.
pub fn open_end(content_type: &str, receiver: mpsc::Receiver<io::Result<Bytes>>) -> Reply {
    let frames = stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|piece| (piece, receiver)) });
    reply(200, content_type, StreamBody::new(frames.map(|piece| piece.map(Frame::data))).boxed_unsync())
}

/// Writes a time into the answer's `Date`.
pub fn date(reply: &mut Reply, now: jiff::Timestamp) {
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        reply.headers_mut().insert(DATE, date);
    }
}

/// The same answer, of which only the first half arrives.
pub async fn truncated(whole: Reply) -> Reply {
    let (mut parts, mut body) = whole.into_parts();
    let first = match body.frame().await {
        Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        _ => Bytes::new(),
    };
    let half = first.slice(..first.len() / 2);
    parts.headers.remove(http::header::CONTENT_LENGTH);
    let cut = io::Error::new(io::ErrorKind::ConnectionAborted, "truncated on purpose");
    // The cut comes a moment later, so that the half before it is sent.
    let frames = stream::iter([Ok(Frame::data(half))]).chain(stream::once(async move {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        Err(cut)
    }));
    Response::from_parts(parts, StreamBody::new(frames).boxed_unsync())
}

fn reply(code: u16, content_type: &str, body: Body) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        reply.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    reply
}
