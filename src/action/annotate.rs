//! Acts as annotations in Grafana, so that charts there show what was done when. Best effort and sent once: that it fails never fails the act.

use http::header::{AUTHORIZATION, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::desk::Desk;
use super::send::{Answer, send};
use crate::domain::action::Act;
use crate::domain::action::request::Request;
use crate::source::{kube::proxy, secret};

/// Notes an act, where a Grafana and a token are configured.
pub(super) async fn annotate(desk: &Desk, act: &Act, by: &str) -> Result<(), String> {
    let links = &desk.shared.links;
    let (Some(base), Some(place)) = (&links.grafana, &links.token) else { return Ok(()) };
    let wrong = |text: String| format!("Grafana was not told: {text}");
    let token = secret::read(place).await.map_err(wrong)?;
    let (host, path) = split(base).ok_or_else(|| wrong("its address is no URL".to_owned()))?;
    let client = client(host, token.expose_secret()).map_err(wrong)?;
    let request = Request {
        method: "POST",
        path: format!("{path}/api/annotations"),
        content_type: "application/json",
        body: body(desk, act, by),
        shows: Vec::new(),
    };
    match send(&client, &request, false, desk.shared.patience.answer).await {
        Answer::Took(_) => Ok(()),
        Answer::Refused(fault) | Answer::NotSent(fault) | Answer::Lost(fault) => Err(wrong(fault.line())),
    }
}

fn body(desk: &Desk, act: &Act, by: &str) -> Value {
    let key = &act.seen.key;
    let revision = act.seen.revision.map(|revision| format!(" (rev {revision})")).unwrap_or_default();
    let text = format!("{by}: {} {key}{revision} in {}: {}", act.plan.effect, desk.environment.name, act.reason);
    json!({
        "time": desk.shared.clock.now().as_millisecond(),
        "tags": ["pilothouse", act.plan.verb.name(), desk.environment.name, key.namespace, key.name],
        // It is shown as HTML.
        "text": super::tell::cut(&text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
    })
}

/// A Grafana is an HTTP server like another: the cluster's client, with its proxies and certificates, reaches it too.
fn client(host: &str, token: &str) -> Result<kube::Client, String> {
    let url = host.parse().map_err(|_| "its address is no URL".to_owned())?;
    let mut config = kube::Config::new(url);
    config.default_retry = false;
    config.proxy_url = proxy::of(&config.cluster_url, |name| std::env::var(name).ok());
    if config.cluster_url.scheme_str() == Some("http") {
        // Nothing is verified, so nothing to verify with is needed.
        config.root_cert.get_or_insert_default();
    }
    let mut header =
        HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| "its token can stand in no header".to_owned())?;
    header.set_sensitive(true);
    config.headers.push((AUTHORIZATION, header));
    kube::Client::try_from(config).map_err(|_| "no client can be made for it".to_owned())
}

/// Scheme and host, and the path below which everything is.
fn split(base: &str) -> Option<(&str, &str)> {
    let scheme = base.find("://")? + 3;
    let slash = base.get(scheme..)?.find('/').map_or(base.len(), |slash| slash + scheme);
    Some((base.get(..slash)?, base.get(slash..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grafana_may_live_below_a_path() {
        assert_eq!(split("https://example.org/grafana"), Some(("https://example.org", "/grafana")));
        assert_eq!((split("http://127.0.0.1:3000"), split("example.org")), (Some(("http://127.0.0.1:3000", "")), None));
    }
}
