//! The Kubernetes API of one environment, over HTTP on loopback: connections, the way of a request, and nothing of what
//! the objects mean. A request never holds the world while it waits.

mod access;
mod admin;
mod cells;
mod columns;
mod discovery;
mod fields;
mod form;
mod list;
mod open_api;
mod operations;
mod patch;
pub(in crate::demo) mod port;
mod protobuf;
mod proxy;
pub(in crate::demo) mod reply;
pub(in crate::demo) mod route;
mod scale;
mod schema;
mod selector;
mod shapes;
mod table;
mod watch;
mod write;

use std::sync::Arc;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{Method, Request};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::sync::Notify;

use super::fault::Effect;
use super::status::Status;
use super::world::{Place, World};
use list::Pages;
use port::Served;
use reply::Reply;
use route::{Asked, Target};

/// A path that begins so and goes on with the token needs no `Authorization`.
pub const TOKEN_IN_PATH: &str = "/token/";

/// The longest body that is read, as a real server's limit.
const LONGEST_BODY: usize = 3 << 20;

/// One environment's API.
pub struct Api {
    /// The world it belongs to.
    pub world: Arc<World>,
    /// Which of the world's places it is.
    pub index: usize,
    pages: Pages,
}

impl Api {
    /// The API of the place with this index.
    pub fn new(world: Arc<World>, index: usize) -> Self {
        Self { world, index, pages: Pages::default() }
    }

    fn place(&self) -> &Place {
        &self.world.places[self.index]
    }
}

impl Served for Api {
    fn outage(&self) -> tokio::sync::watch::Receiver<Duration> {
        self.place().outage.subscribe()
    }

    async fn respond(self: Arc<Self>, request: Request<Incoming>, reset: &Notify) -> Reply {
        respond(self, request, reset).await
    }
}

/// The way of a request: who asks, what is wrong on purpose, what is allowed, the answer.
async fn respond(api: Arc<Api>, request: Request<Incoming>, reset: &Notify) -> Reply {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return reply::refusal(&Status::new(413, "RequestEntityTooLarge", "the body of the request is too large")),
    };
    let mut asked = Asked::new(parts, body);
    let known = authorized(&api, &mut asked);
    let mut reply = match known {
        Err(refused) => reply::refusal(&refused),
        Ok(()) if asked.path.starts_with(admin::ROOT) => {
            admin::answer(&api, &asked).await.unwrap_or_else(|refused| reply::refusal(&refused))
        }
        Ok(()) => {
            api.place().requests.note(asked.counted());
            afflicted(&api, &asked, reset).await
        }
    };
    // The world's own time: clients correct their clocks by it.
    reply::date(&mut reply, api.world.now());
    reply
}

/// Checks the token, and takes it out of the path if it is there. Anybody may ask how the server is, as on a real one.
fn authorized(api: &Api, asked: &mut Asked) -> Result<(), Status> {
    let token = api.place().token.as_str();
    let path = asked.path.strip_prefix(TOKEN_IN_PATH).and_then(|rest| rest.strip_prefix(token));
    let path = path.filter(|path| path.starts_with('/')).map(str::to_owned);
    if let Some(path) = path {
        asked.move_to(path);
        return Ok(());
    }
    if matches!(asked.path.as_str(), "/livez" | "/readyz" | "/healthz" | "/version") {
        return Ok(());
    }
    let wanted = format!("Bearer {token}");
    if asked.header(AUTHORIZATION) == wanted { Ok(()) } else { Err(Status::new(401, "Unauthorized", "Unauthorized")) }
}

/// The answer, with what a fault makes of it or of the request.
async fn afflicted(api: &Arc<Api>, asked: &Asked, reset: &Notify) -> Reply {
    let (effect, after) = api.place().faults.hit(asked.verb(), &asked.path).unzip();
    let done = (after == Some(true)).then(|| answer(api, asked));
    let answer = || done.unwrap_or_else(|| answer(api, asked));
    match effect {
        None | Some(Effect::Forbid { .. }) => answer(),
        Some(Effect::Status { code }) => reply::refusal(&Status::new(code, reason(code), "refused on purpose")),
        Some(Effect::Delay { milliseconds }) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            answer()
        }
        Some(Effect::Hang) => std::future::pending().await,
        Some(Effect::Reset) => {
            reset.notify_one();
            std::future::pending().await
        }
        Some(Effect::Truncate) => reply::truncated(answer()).await,
        Some(Effect::DropWatch) => reply::whole(200, reply::JSON, ""),
        Some(Effect::SilentWatch) => {
            let (sender, receiver) = tokio::sync::mpsc::channel(1);
            tokio::spawn(async move { sender.closed().await });
            reply::open_end(reply::JSON, receiver)
        }
        Some(Effect::Expired) if asked.verb() == "watch" => watch::expired(),
        Some(Effect::Expired) => {
            reply::refusal(&Status::new(410, "Expired", "The resourceVersion for the provided list is too old."))
        }
        Some(Effect::TooManyRequests { retry_after }) => {
            let details = serde_json::json!({ "retryAfterSeconds": retry_after });
            let message = "the server has received too many requests and has asked us to try again later";
            reply::refusal(&Status { details, ..Status::new(429, "TooManyRequests", message) })
        }
    }
}

fn answer(api: &Arc<Api>, asked: &Asked) -> Reply {
    let answered = match &asked.target {
        Some(target) => access::check(api, asked, target).and_then(|()| about_objects(api, asked, target)),
        None if proxy::leads_to(&asked.path).is_some() => proxy::answer(api, asked),
        None => match (access::review(api, asked), discovery::answer(asked)) {
            (Some(reviewed), _) => reviewed,
            (None, Some(_)) if asked.method != Method::GET => Err(not_allowed()),
            (None, Some(reply)) => Ok(reply),
            // As on a real server where the definition of a kind is not installed.
            (None, None) => return reply::whole(404, "text/plain; charset=utf-8", "404 page not found\n"),
        },
    };
    answered.unwrap_or_else(|refused| reply::refusal(&refused))
}

fn about_objects(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Reply, Status> {
    let watching = asked.is_on("watch") && target.part.is_empty();
    match (&asked.method, &target.name) {
        (&Method::GET, _) if watching => watch::answer(api, asked, target),
        (&Method::GET, None) => list::answer(api, asked, target),
        (&Method::GET, Some(name)) => write::get(api, asked, target, name),
        (&Method::POST, None) => write::create(api, asked, target),
        (&Method::PUT, Some(name)) => write::replace(api, asked, target, name),
        (&Method::PATCH, Some(name)) => patch::answer(api, asked, target, name),
        (&Method::DELETE, Some(name)) if target.part.is_empty() => write::delete(api, asked, target, name),
        (&Method::DELETE, None) => write::delete_all(api, asked, target),
        _ => Err(not_allowed()),
    }
}

fn not_allowed() -> Status {
    Status::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
}

fn reason(code: u16) -> &'static str {
    match code {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        410 => "Expired",
        422 => "Invalid",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        500.. => "InternalError",
        _ => "BadRequest",
    }
}
