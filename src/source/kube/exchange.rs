//! One request, one answer, each with a limit in time and size: the client below has none. Nothing is ever sent twice here.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::header::{ACCEPT_ENCODING, HeaderMap, RETRY_AFTER};
use http::{Request, Response};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use tokio::time::timeout;

use super::fault::{Cause, Fault};

/// For the head of an answer, and then for every piece of its body.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// No page of 500 objects, and no single object, comes near.
const LARGEST: usize = 256 << 20;
/// An API server takes no object of more than 3 MiB.
const LONGEST_LINE: usize = 32 << 20;
/// As much of an error as is ever looked at.
const LARGEST_ERROR: usize = 64 << 10;

/// Sends a request and waits for the head of a good answer; anything else is a fault.
pub async fn ask(client: &Client, request: Request<Vec<u8>>, patience: Duration) -> Result<Response<Body>, Fault> {
    let sent = timeout(patience, client.send(request.map(Body::from))).await;
    let response = sent.map_err(|_| Fault::silent(patience))?.map_err(|error| super::client::fault_of(&error))?;
    if response.status().is_success() {
        return Ok(response);
    }
    let (code, wait) = (response.status().as_u16(), retry_after(response.headers()));
    // An error is an error, whether or not its text arrives.
    let body = collect(response.into_body(), LARGEST_ERROR, patience).await.unwrap_or_default();
    Err(Fault::answered(code, &body, wait))
}

/// Reads a whole body.
pub async fn read(response: Response<Body>) -> Result<Bytes, Fault> {
    collect(response.into_body(), LARGEST, PATIENCE).await
}

/// Reads a body of at most so many bytes, waiting so long for every piece.
pub async fn collect(mut body: Body, largest: usize, patience: Duration) -> Result<Bytes, Fault> {
    let mut whole = BytesMut::new();
    while let Some(piece) = next_piece(&mut body, patience).await? {
        if whole.len() + piece.len() > largest {
            return Err(Fault::new(Cause::Garbled, "the answer is larger than any that is expected"));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

async fn next_piece(body: &mut Body, patience: Duration) -> Result<Option<Bytes>, Fault> {
    loop {
        let frame = timeout(patience, body.frame()).await.map_err(|_| Fault::silent(patience))?;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Err(Fault::connection(&error)),
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
        }
    }
}

/// Only the form in seconds: API servers send no other.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Lines of a body that is read while it is written.
pub struct Lines {
    body: Body,
    waiting: BytesMut,
    /// How much of `waiting` is known to hold no end of line.
    searched: usize,
}

impl Lines {
    /// Starts an answer that comes in lines.
    pub async fn open(client: &Client, mut request: Request<Vec<u8>>) -> Result<Self, Fault> {
        // Servers from 1.37 on compress event by event, which the client's decompression stops understanding after the first.
        request.headers_mut().insert(ACCEPT_ENCODING, http::HeaderValue::from_static("identity"));
        let response = ask(client, request, PATIENCE).await?;
        Ok(Self { body: response.into_body(), waiting: BytesMut::new(), searched: 0 })
    }

    /// The next line without its end; None when the server has ended the answer. May be dropped at any time without losing anything.
    /// A last line without an end is half a line, and is not given.
    pub async fn next(&mut self, patience: Duration) -> Result<Option<BytesMut>, Fault> {
        loop {
            if let Some(end) = self.waiting.iter().skip(self.searched).position(|byte| *byte == b'\n') {
                let line = self.waiting.split_to(self.searched + end);
                self.waiting.advance(1);
                self.searched = 0;
                if !line.is_empty() {
                    return Ok(Some(line));
                }
                continue;
            }
            self.searched = self.waiting.len();
            if self.searched > LONGEST_LINE {
                return Err(Fault::new(Cause::Garbled, "an event is larger than any that is expected"));
            }
            match next_piece(&mut self.body, patience).await? {
                Some(piece) => self.waiting.extend_from_slice(&piece),
                None => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::body::Frame;

    use super::*;

    #[tokio::test]
    async fn lines_come_whole_however_they_are_cut() {
        let pieces = ["{\"a\"", ":1}\n{\"b\":2}\n\n{", "\"c\":3}\n{\"half"];
        let service = tower::service_fn(move |_: Request<Body>| {
            let frames = pieces.map(|piece| Ok::<_, std::io::Error>(Frame::data(Bytes::from(piece))));
            let body = http_body_util::StreamBody::new(futures::stream::iter(frames));
            async move { Ok::<_, std::io::Error>(Response::new(body)) }
        });
        let client = Client::new(service, "default");
        let request = Request::get("/").body(Vec::new()).unwrap();
        let mut lines = Lines::open(&client, request).await.unwrap();
        let mut all = Vec::new();
        while let Some(line) = lines.next(PATIENCE).await.unwrap() {
            all.push(String::from_utf8(line.to_vec()).unwrap());
        }
        assert_eq!(all, ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"]);
    }
}
