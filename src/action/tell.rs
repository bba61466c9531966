//! The reason where others look: an Event and an annotation on the object, a webhook and a Grafana if they are configured. After the act and best
//! effort: that one of them fails never fails the act.

use std::sync::Arc;

use serde_json::{Value, json};

use super::annotate::annotate;
use super::desk::{Desk, Line};
use super::send::{Answer, send};
use crate::domain::action::request::{LAST_ACTION, MERGE_PATCH, Request, path};
use crate::domain::action::{Act, Ticket};
use crate::domain::id::Kind;
use crate::ledger::Text;

/// Longest reason in an Event or annotation, in characters.
const LONGEST: usize = 900;

/// Tells everybody.
pub(super) async fn tell(desk: Arc<Desk>, line: Arc<Line>, act: Act, entry: Option<Text>) {
    let by = who(&desk, &line).await;
    let told = tokio::join!(
        event(&desk, &line, &act, &by),
        annotation(&desk, &line, &act, &by),
        webhook(&desk, &act, &by, entry),
        annotate(&desk, &act, &by)
    );
    for failed in [told.0, told.1, told.2, told.3].into_iter().filter_map(Result::err) {
        tracing::warn!("{}: {failed}", act.seen.key);
    }
}

/// `dana@laptop`, or as the cluster knows this user where that is another name.
async fn who(desk: &Desk, line: &Line) -> String {
    let operator = super::carry::operator(desk.user(line).await);
    let local = format!("{}@{}", operator.local, operator.host);
    match operator.kube {
        Some(kube) if kube != operator.local => format!("{kube} ({local})"),
        _ => local,
    }
}

async fn event(desk: &Desk, line: &Line, act: &Act, by: &str) -> Result<(), String> {
    let key = &act.seen.key;
    let (api, kind) = match key.kind {
        Kind::Canary => ("flagger.app/v1beta1", "Canary"),
        _ => ("argoproj.io/v1alpha1", "Rollout"),
    };
    let time = desk.now(line).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let severity = if act.plan.verb.is_back() { "Warning" } else { "Normal" };
    let body = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"generateName": format!("{}.", key.name), "namespace": key.namespace},
        "involvedObject": {"apiVersion": api, "kind": kind, "namespace": key.namespace, "name": key.name, "uid": act.seen.uid},
        "reason": reason(act), "message": cut(&format!("{by}: {}: {}", effect(act), act.reason)), "type": severity,
        "source": {"component": "pilothouse"}, "firstTimestamp": time, "lastTimestamp": time, "count": 1,
    });
    let request = Request {
        method: "POST",
        path: format!("/api/v1/namespaces/{}/events", key.namespace),
        content_type: "application/json",
        body,
        shows: Vec::new(),
    };
    took(send(&line.client, &request, false, desk.shared.patience.answer).await, "the Event could not be created")
}

/// What it does, and in spite of what: `promote 25→50 %, overriding errors`.
fn effect(act: &Act) -> String {
    let overriding = if act.gates.overridden { format!(", overriding {}", act.gates.names()) } else { String::new() };
    format!("{}{overriding}", act.plan.effect)
}

/// A verb as Events spell their reasons: `PilothouseRollback`.
fn reason(act: &Act) -> String {
    let words = act.plan.verb.name().split('-').map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
    });
    format!("Pilothouse{}", words.collect::<String>())
}

async fn annotation(desk: &Desk, line: &Line, act: &Act, by: &str) -> Result<(), String> {
    let at = desk.now(line).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut note = json!({"by": by, "verb": act.plan.verb.name(), "at": at, "reason": cut(&act.reason)});
    if let (Ticket::Given(ticket), Some(note)) = (&act.ticket, note.as_object_mut()) {
        note.insert("ticket".to_owned(), Value::from(ticket.as_str()));
    }
    if let (true, Some(note)) = (act.gates.overridden, note.as_object_mut()) {
        note.insert("overridden".to_owned(), Value::from(act.gates.names()));
    }
    let request = Request {
        method: "PATCH",
        path: path(&act.seen.key, ""),
        content_type: MERGE_PATCH,
        body: json!({"metadata": {"uid": act.seen.uid, "annotations": {LAST_ACTION: note.to_string()}}}),
        shows: Vec::new(),
    };
    took(send(&line.client, &request, false, desk.shared.patience.answer).await, "the annotation could not be written")
}

fn took(answer: Answer, what: &str) -> Result<(), String> {
    match answer {
        Answer::Took(_) => Ok(()),
        Answer::Refused(fault) | Answer::NotSent(fault) | Answer::Lost(fault) => Err(format!("{what}: {}", fault.line())),
    }
}

/// A message to a chat, as Slack and those like it take it. Its address is a secret, and stands in no error.
async fn webhook(desk: &Desk, act: &Act, by: &str, entry: Option<Text>) -> Result<(), String> {
    let Some(address) = &desk.shared.webhook else { return Ok(()) };
    let (host, path) = split(address.expose()).ok_or("the webhook's address is no URL")?;
    let head = match (entry, desk.shared.ledger.clone()) {
        (Some(entry), Ok(ledger)) => {
            let head = tokio::task::spawn_blocking(move || ledger.recent(1)).await.ok().and_then(Result::ok);
            head.and_then(|head| head.first().map(|newest| format!("\nledger {entry}, head {}", newest.hash))).unwrap_or_default()
        }
        _ => "\nnot on the ledger".to_owned(),
    };
    let revision = act.seen.revision.map(|revision| format!(" (rev {revision})")).unwrap_or_default();
    let text =
        cut(&format!("{by}: {} {}{revision} in {}: {}", effect(act), act.seen.key, desk.environment.name, act.reason)) + &head;
    let client = client(host)?;
    let body = json!({ "text": text });
    let request = Request { method: "POST", path: path.to_owned(), content_type: "application/json", body, shows: Vec::new() };
    match send(&client, &request, false, desk.shared.patience.answer).await {
        Answer::Took(_) => Ok(()),
        Answer::Refused(fault) | Answer::NotSent(fault) | Answer::Lost(fault) => {
            let code = fault.code.map(|code| format!(": HTTP {code}")).unwrap_or_default();
            Err(format!("the webhook did not take the message{code}"))
        }
    }
}

/// A chat is an HTTP server like another: the cluster's client, with its proxies and certificates, reaches it too.
fn client(host: &str) -> Result<kube::Client, String> {
    let url = host.parse().map_err(|_| "the webhook's address is no URL")?;
    let mut config = kube::Config::new(url);
    config.default_retry = false;
    kube::Client::try_from(config).map_err(|_| "no client for the webhook".to_owned())
}

/// Scheme and host, and the rest.
fn split(address: &str) -> Option<(&str, &str)> {
    let scheme = address.find("://")? + 3;
    let slash = address.get(scheme..)?.find('/')? + scheme;
    Some((address.get(..slash)?, address.get(slash..)?))
}

pub(super) fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST { text.to_owned() } else { text.chars().take(LONGEST).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_path() {
        assert_eq!(split("https://hooks.example/services/T/B/x"), Some(("https://hooks.example", "/services/T/B/x")));
        assert_eq!((split("hooks.example/x"), split("https://hooks.example")), (None, None));
    }
}
