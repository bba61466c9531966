//! The Prometheus of one environment, over HTTP on loopback: the query API under `/api/v1`, and `/metrics` for a real one that wants to scrape.
//! Open to everybody on this machine. It reads the world's metrics and changes nothing; no question holds the world while it
//! is answered.

mod about;
mod form;
mod query;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use super::fault::Effect;
use super::metrics::{Snapshot, exposition};
use super::promql::Error;
use super::requests::Key;
use super::server::port::Served;
use super::server::reply::{self, Reply};
use super::world::{Place, World};
use form::Form;

/// The longest form that is read.
const LONGEST_BODY: usize = 1 << 20;
/// The version that it behaves like.
const VERSION: &str = "2.42.0";
const TEXT: &str = "text/plain; charset=utf-8";

/// One environment's metrics server.
pub struct Metrics {
    /// The world it belongs to.
    pub world: Arc<World>,
    /// Which of the world's places it is.
    pub index: usize,
    /// Since when it has been there.
    pub since: Timestamp,
}

/// Why a request is refused.
enum Refusal {
    /// With a kind of error, as the API's envelope says it.
    Kind(&'static str, String),
    /// As a path that is not there.
    NotFound,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Bad(text) => Self::Kind("bad_data", text),
            Error::Execution(text) => Self::Kind("execution", text),
        }
    }
}

impl Metrics {
    fn place(&self) -> &Place {
        &self.world.places[self.index]
    }
}

impl Served for Metrics {
    fn outage(&self) -> watch::Receiver<Duration> {
        self.place().metrics.outage.subscribe()
    }

    async fn respond(self: Arc<Self>, request: Request<Incoming>, reset: &Notify) -> Reply {
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, LONGEST_BODY).collect().await else {
            return reply::whole(413, TEXT, "http: request body too large\n");
        };
        let form = Form::read(&parts, &body.to_bytes());
        let path = parts.uri.path().to_owned();
        let verb = parts.method.as_str().to_lowercase();
        let door = &self.place().metrics;
        door.requests.note(Key { verb: verb.clone(), path: path.clone(), dry_run: false });
        let (effect, _) = door.faults.hit(&verb, &path).unzip();
        let mut reply = match effect {
            Some(Effect::Status { code }) => fail(code),
            Some(Effect::TooManyRequests { .. }) => fail(429),
            Some(Effect::Hang) => std::future::pending().await,
            Some(Effect::Reset) => {
                reset.notify_one();
                std::future::pending().await
            }
            Some(Effect::Truncate) => reply::truncated(self.clone().answer(parts.method, path, form).await).await,
            Some(Effect::Delay { milliseconds }) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                self.clone().answer(parts.method, path, form).await
            }
            _ => self.clone().answer(parts.method, path, form).await,
        };
        let ahead = SignedDuration::from_millis(self.world.metrics_ahead(self.place()));
        reply::date(&mut reply, self.world.now() + ahead);
        reply
    }
}

impl Metrics {
    /// The answer, worked out where it keeps nobody waiting.
    async fn answer(self: Arc<Self>, method: Method, path: String, form: Form) -> Reply {
        let worked_out = tokio::task::spawn_blocking(move || {
            let snapshot = self.world.metrics(self.place());
            answer(&snapshot, &method, &path, &form, self.since)
        });
        worked_out.await.unwrap_or_else(|_| fail(500))
    }
}

fn answer(snapshot: &Snapshot, method: &Method, path: &str, form: &Form, since: Timestamp) -> Reply {
    match path {
        "/metrics" => return reply::whole(200, exposition::CONTENT_TYPE, exposition::text(snapshot)),
        "/-/ready" => return reply::whole(200, TEXT, "Prometheus Server is Ready.\n"),
        "/-/healthy" => return reply::whole(200, TEXT, "Prometheus Server is Healthy.\n"),
        _ => {}
    }
    let Some(call) = path.strip_prefix("/api/v1/") else { return not_found() };
    if !matches!(*method, Method::GET | Method::POST) {
        return reply::whole(405, TEXT, "Method Not Allowed\n");
    }
    let data = match call {
        "query" => query::instant(snapshot, form),
        "query_range" => query::range(snapshot, form),
        "rules" => rules::rules(snapshot, form),
        "alerts" => rules::alerts(snapshot),
        "targets" => Ok(about::targets(snapshot, form)),
        "labels" => about::labels(snapshot, form),
        "series" => about::series(snapshot, form),
        "metadata" => Ok(about::metadata(form)),
        "status/buildinfo" => Ok(about::build()),
        "status/runtimeinfo" => Ok(about::runtime(since)),
        _ => match call.strip_prefix("label/").and_then(|rest| rest.strip_suffix("/values")) {
            Some(name) => about::values(snapshot, form, name),
            None => Err(Refusal::NotFound),
        },
    };
    match data {
        Ok(data) => reply::json(200, &json!({ "status": "success", "data": data })),
        Err(Refusal::NotFound) => not_found(),
        Err(Refusal::Kind(kind, text)) => {
            let code = if kind == "bad_data" { 400 } else { 422 };
            reply::json(code, &json!({ "status": "error", "errorType": kind, "error": text }))
        }
    }
}

fn not_found() -> Reply {
    reply::whole(404, TEXT, "404 page not found\n")
}

/// What a proxy before a server says when that is in trouble.
fn fail(code: u16) -> Reply {
    reply::whole(code, TEXT, "refused on purpose\n")
}

/// A time as the API says it: seconds since 1970.
fn time(milliseconds: i64) -> Value {
    let seconds = super::promql::number::seconds(milliseconds);
    if milliseconds % 1000 == 0 { json!(milliseconds / 1000) } else { json!(seconds) }
}
