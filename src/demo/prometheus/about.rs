//! What the server says of its series, its targets and itself.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use promql_parser::label::Matcher;
use serde_json::{Map, Value, json};

use super::form::Form;
use super::query::metric;
use super::{Refusal, VERSION};
use crate::demo::metrics::{Snapshot, exposition};
use crate::demo::promql;
use crate::demo::promql::labels::Labels;
use crate::demo::promql::series::{Series, Source};

/// `labels`: the names of the labels of matching series.
pub fn labels(snapshot: &Snapshot, form: &Form) -> Result<Value, Refusal> {
    let names = |labels: &Labels| labels.pairs().map(|(key, _)| key.to_owned()).collect::<Vec<_>>();
    Ok(matching(snapshot, form)?.iter().flat_map(names).collect::<BTreeSet<_>>().into_iter().collect())
}

/// `label/NAME/values`.
pub fn values(snapshot: &Snapshot, form: &Form, name: &str) -> Result<Value, Refusal> {
    if name.is_empty() || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
        return Err(Refusal::Kind("bad_data", format!("invalid label name: {name:?}")));
    }
    let values = matching(snapshot, form)?.into_iter().map(|labels| labels.get(name).to_owned());
    Ok(values.filter(|value| !value.is_empty()).collect::<BTreeSet<_>>().into_iter().collect())
}

/// `series`: the labels of matching series.
pub fn series(snapshot: &Snapshot, form: &Form) -> Result<Value, Refusal> {
    if form.all("match[]").next().is_none() {
        return Err(Refusal::Kind("bad_data", "no match[] parameter provided".to_owned()));
    }
    Ok(matching(snapshot, form)?.iter().map(metric).collect())
}

/// The labels of the series that match and have samples in the time that is asked for; by default all of them.
fn matching(snapshot: &Snapshot, form: &Form) -> Result<Vec<Labels>, Refusal> {
    let start = form.time("start")?.unwrap_or(i64::MIN / 4);
    let end = form.time("end")?.unwrap_or_else(|| snapshot.now());
    let selectors: Vec<Vec<Matcher>> = form.all("match[]").map(promql::selector).collect::<Result<_, _>>()?;
    let selectors = if selectors.is_empty() { vec![Vec::new()] } else { selectors };
    let mut found = BTreeMap::new();
    for selector in &selectors {
        for series in snapshot.select(selector).map_err(|why| Refusal::Kind("execution", why))? {
            if series.newest(start.max(end - MONTH) - 1, end).is_some() {
                let labels = series.labels();
                found.insert(labels.pairs().map(|(k, v)| (k.to_owned(), v.to_owned())).collect::<Vec<_>>(), labels);
            }
        }
    }
    Ok(found.into_values().collect())
}

/// No series is looked for further back, in milliseconds.
const MONTH: i64 = 35 * 24 * 3_600_000;

/// `metadata`: what each metric is.
pub fn metadata(form: &Form) -> Value {
    let described = exposition::described().filter(|(name, ..)| form.get("metric").is_none_or(|wanted| wanted == *name));
    let one = |(name, kind, help): (&str, _, &str)| {
        (name.to_owned(), json!([{ "type": exposition::type_name(kind), "help": help, "unit": "" }]))
    };
    described.map(one).collect::<Map<_, _>>().into()
}

/// `targets`: every pod that is scraped, as the series `up` tells.
pub fn targets(snapshot: &Snapshot, form: &Form) -> Value {
    let mut active = Vec::new();
    snapshot.lines(&["up".into()], &[], |line| {
        let now = snapshot.now();
        let Some(point) = line.newest(now - promql::LOOKBACK, now).filter(|point| !point.is_stale()) else { return };
        let up = point.value > 0.0;
        let labels = line.labels().nameless();
        active.push(json!({
            "discoveredLabels": { "__address__": labels.get("instance"), "__scheme__": "http", "__metrics_path__": "/metrics" },
            "labels": metric(&labels), "scrapePool": "pods",
            "scrapeUrl": format!("http://{}/metrics", labels.get("instance")),
            "globalUrl": format!("http://{}/metrics", labels.get("instance")),
            "lastError": if up { "" } else { "Get \"/metrics\": context deadline exceeded" },
            "lastScrape": Timestamp::from_millisecond(point.at).unwrap_or_default(),
            "lastScrapeDuration": 0.004, "health": if up { "up" } else { "down" }, "scrapeInterval": "15s", "scrapeTimeout": "10s",
        }));
    });
    if form.get("state") == Some("dropped") {
        active.clear();
    }
    json!({ "activeTargets": active, "droppedTargets": [] })
}

/// `status/buildinfo`.
pub fn build() -> Value {
    json!({
        "version": VERSION, "revision": env!("CARGO_PKG_VERSION"), "branch": "embedded", "buildUser": env!("CARGO_PKG_NAME"),
        "buildDate": "", "goVersion": "",
    })
}

/// `status/runtimeinfo`.
pub fn runtime(since: Timestamp) -> Value {
    json!({
        "startTime": since, "CWD": "/", "reloadConfigSuccess": true, "lastConfigTime": since, "corruptionCount": 0,
        "goroutineCount": 1, "GOMAXPROCS": 1, "GOGC": "", "GODEBUG": "", "storageRetention": "35d",
    })
}
