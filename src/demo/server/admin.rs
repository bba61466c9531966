//! The paths under `/_world/`: what tests and demonstrations do to the world that no client of Kubernetes can.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::Api;
use super::reply::{self, Reply};
use super::route::Asked;
use crate::demo::Knob;
use crate::demo::fault::{Fault, Faults};
use crate::demo::metrics::Turn;
use crate::demo::requests::Requests;
use crate::demo::resource::Resource;
use crate::demo::status::Status;
use crate::demo::store::Store;

/// The root of these paths.
pub const ROOT: &str = "/_world/";

/// Answers one of them.
pub async fn answer(api: &Api, asked: &Asked) -> Result<Reply, Status> {
    let what = asked.path.strip_prefix(ROOT).unwrap_or_default();
    match (asked.method.clone(), what) {
        (_, "fault") => about_faults(&api.place().faults, asked),
        (_, "requests") => Ok(about_requests(&api.place().requests, asked)),
        (_, "metrics/fault") => about_faults(&api.place().metrics.faults, asked),
        (_, "metrics/requests") => Ok(about_requests(&api.place().metrics.requests, asked)),
        (Method::POST, "metrics/outage") => {
            let away = seconds(asked)?;
            api.place().metrics.outage.send_replace(away);
            Ok(reply::json(200, &json!({ "seconds": away.as_secs_f64() })))
        }
        (Method::POST, "metrics") => about_metrics(api, asked),
        (Method::POST, "advance") => {
            api.world.advance(seconds(asked)?).await;
            Ok(reply::json(200, &json!({ "now": api.world.now() })))
        }
        (Method::POST, "lag") => {
            api.world.lag_by(seconds(asked)?);
            Ok(reply::json(200, &json!({})))
        }
        (Method::POST, "outage") => {
            let away = seconds(asked)?;
            let (world, index) = (api.world.clone(), api.index);
            tokio::spawn(async move {
                // This answer still wants to get out.
                tokio::time::sleep(Duration::from_millis(20)).await;
                world.places[index].outage.send_replace(away);
            });
            Ok(reply::json(200, &json!({ "seconds": away.as_secs_f64() })))
        }
        (Method::POST, "metric" | "gate") => {
            let wanted: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
            let name = wanted["name"].as_str().map(str::to_owned);
            let status = wanted["status"].as_u64().and_then(|status| u16::try_from(status).ok());
            let knob = match (name, what, status) {
                (Some(name), "metric", _) => Knob::Metric(name, wanted["value"].clone()),
                (Some(name), _, Some(status)) => Knob::Gate(name, status),
                _ => return Err(Status::bad_request("a metric is {\"name\", \"value\"}, a gate {\"name\", \"status\"}")),
            };
            api.world.turn(api.place(), knob);
            Ok(reply::json(200, &wanted))
        }
        (Method::POST, "compact") => {
            api.world.with(api.place(), Store::compact);
            api.pages.forget();
            Ok(reply::json(200, &json!({})))
        }
        (Method::GET, "state") => Ok(reply::json(200, &state(api))),
        _ => Err(Status::new(
            404,
            "NotFound",
            "there are fault, advance, lag, outage, compact, metric, gate, metrics, metrics/fault, metrics/outage, \
             metrics/requests, requests and state here",
        )),
    }
}

/// Tells the metrics something.
fn about_metrics(api: &Api, asked: &Asked) -> Result<Reply, Status> {
    let turn: Turn = serde_json::from_slice(&asked.body).map_err(|error| {
        let kinds = "service, analysis, hide, blind, nan, reset, stop, clock or collector";
        Status::bad_request(format!("metrics are told {{\"kind\": …}}, which is {kinds}: {error}"))
    })?;
    if let Turn::Service { effect: Some(effect), .. } = &turn
        && !effect.is_possible()
    {
        return Err(Status::bad_request("errors and saturation are shares from 0 to 1; p95 is in seconds, traffic a factor"));
    }
    api.world.tell_metrics(api.place(), turn);
    Ok(reply::json(200, &json!({})))
}

fn about_faults(faults: &Faults, asked: &Asked) -> Result<Reply, Status> {
    let code = match asked.method {
        Method::POST => {
            let fault: Fault = serde_json::from_slice(&asked.body).map_err(|error| {
                let form = "{\"kind\": …, \"path\", \"only\", \"after\", \"every\", \"count\", \"seconds\"}";
                Status::bad_request(format!("a fault is {form}: {error}"))
            })?;
            faults.add(fault);
            201
        }
        Method::DELETE => {
            faults.clear();
            200
        }
        _ => 200,
    };
    Ok(reply::json(code, &json!({ "faults": faults.list() })))
}

fn about_requests(requests: &Requests, asked: &Asked) -> Reply {
    if asked.method == Method::DELETE {
        requests.forget();
    }
    let counts = requests.list(asked.get("verb"), asked.get("path").unwrap_or_default());
    reply::json(200, &json!({ "requests": counts }))
}

fn state(api: &Api) -> Value {
    let (version, objects) = api.world.with(api.place(), |store| {
        let count = |resource: &Resource| (resource.about().plural.to_owned(), Value::from(store.all(*resource, None).count()));
        (store.version(), Resource::ALL.iter().map(count).collect::<serde_json::Map<_, _>>())
    });
    json!({ "environment": api.place().name, "now": api.world.now(), "version": version.to_string(), "objects": objects })
}

fn seconds(asked: &Asked) -> Result<Duration, Status> {
    let seconds = asked.get("seconds").and_then(|text| text.parse::<f64>().ok()).filter(|s| (0.0..=1e7).contains(s));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| Status::bad_request("seconds=N is needed"))
}
