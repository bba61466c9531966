//! One write, sent once. What matters about an answer is whether the request can have been carried out: a connection that could not be
//! made did not send it, a 4xx refused it, and of everything else nobody knows until the cluster is read.

use std::error::Error;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::{AuthError, Body};
use serde_json::Value;
use tokio::time::timeout;

use crate::domain::action::request::Request;
use crate::source::kube::client::fault_of;
use crate::source::kube::fault::Fault;

/// The largest answer that is read: no object is larger.
const LARGEST: usize = 8 << 20;
/// Under this name the server notes who wrote a field.
pub const MANAGER: &str = "pilothouse";

/// What came of sending.
#[derive(Debug)]
pub enum Answer {
    /// The server took it. The object as it is now; None if the answer could not be read to its end.
    Took(Option<Value>),
    /// The server refused it: nothing was changed.
    Refused(Fault),
    /// It was not sent.
    NotSent(Fault),
    /// It may have been carried out.
    Lost(Fault),
}

/// Sends a request, and waits so long for its answer, and then for the rest of it.
pub async fn send(client: &Client, request: &Request, dry_run: bool, patience: Duration) -> Answer {
    let bytes = request.body.to_string().into_bytes();
    let uri = match (request.method, dry_run) {
        ("PATCH", false) => format!("{}?fieldManager={MANAGER}", request.path),
        ("PATCH", true) => format!("{}?fieldManager={MANAGER}&dryRun=All", request.path),
        _ => request.path.clone(),
    };
    let built = http::Request::builder()
        .method(request.method)
        .uri(uri)
        .header(CONTENT_TYPE, request.content_type)
        .header(ACCEPT, "application/json")
        .body(Body::from(bytes));
    let request = match built {
        Ok(request) => request,
        Err(error) => return Answer::NotSent(Fault::connection(&error)),
    };
    let response = match timeout(patience, client.send(request)).await {
        Err(_) => return Answer::Lost(Fault::silent(patience)),
        Ok(Err(error)) if was_not_sent(&error) => return Answer::NotSent(fault_of(&error)),
        Ok(Err(error)) => return Answer::Lost(fault_of(&error)),
        Ok(Ok(response)) => response,
    };
    let (code, wait) = (response.status().as_u16(), crate::source::kube::exchange::retry_after(response.headers()));
    let body = timeout(patience, whole(response.into_body())).await.ok().flatten();
    match code {
        200..=299 => Answer::Took(body.and_then(|body| serde_json::from_slice(&body).ok())),
        300..=499 => Answer::Refused(Fault::answered(code, &body.unwrap_or_default(), wait)),
        _ => Answer::Lost(Fault::answered(code, &body.unwrap_or_default(), wait)),
    }
}

async fn whole(mut body: Body) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame.ok()?.into_data() {
            if all.len() + piece.len() > LARGEST {
                return None;
            }
            all.extend_from_slice(&piece);
        }
    }
    Some(all)
}

/// Whether a request failed before it can have reached the server: no connection, or no credentials.
fn was_not_sent(error: &kube::Error) -> bool {
    let mut below: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = below {
        if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            return error.is_connect();
        }
        if error.downcast_ref::<Fault>().is_some() || error.downcast_ref::<AuthError>().is_some() {
            return true;
        }
        below = error.source();
    }
    matches!(error, kube::Error::Auth(_) | kube::Error::HttpError(_) | kube::Error::BuildRequest(_))
}
