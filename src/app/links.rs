//! Where the charts of a release can be looked at elsewhere: a dashboard of Grafana with the same span of time, or its page for a single
//! query. Writes addresses, and wishes that they are opened.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::effect::Effect;
use super::state::State;
use crate::config::{self, Service, Settings};
use crate::domain::id::Key;
use crate::domain::signal::Expression;

/// What an address is made of.
#[derive(Debug, Default)]
pub(super) struct Links {
    links: config::Links,
    services: Vec<Service>,
}

impl Links {
    /// What the settings say.
    pub(super) fn new(settings: &Settings) -> Self {
        let services = settings.services.iter().filter(|service| service.grafana.is_some()).cloned().collect();
        Self { links: settings.links.clone(), services }
    }

    /// The address for a release over a span of time; the end is None where it is now. `query` is what the chart draws.
    fn of(
        &self,
        environment: &str,
        key: &Key,
        span: (Timestamp, Option<Timestamp>),
        query: Option<&str>,
    ) -> Result<String, String> {
        let own = self.services.iter().rev().find(|service| service.is_about(environment, &key.namespace, &key.name));
        let page = own.and_then(|service| service.grafana.as_deref()).or(self.links.dashboard.as_deref());
        let base = self.links.grafana.as_deref().map(|base| base.trim_end_matches('/'));
        let (from, to) = (span.0.as_millisecond().to_string(), span.1.map(|end| end.as_millisecond().to_string()));
        let to = to.as_deref().unwrap_or("now");
        match (page, base) {
            (Some(page), _) if page.starts_with("http://") || page.starts_with("https://") => Ok(dashboard(page, key, (&from, to))),
            (Some(page), Some(base)) => Ok(dashboard(&format!("{base}/{}", page.trim_start_matches('/')), key, (&from, to))),
            (Some(page), None) => Err(format!("'{page}' is a path: [links] has to say which grafana it is in")),
            (None, Some(base)) => match (&self.links.datasource, query) {
                (Some(datasource), Some(query)) => Ok(explore(base, datasource, query, (&from, to))),
                (Some(_), None) => Err("there is no query to look at".to_owned()),
                (None, _) => Err("[links] has neither a dashboard nor a datasource".to_owned()),
            },
            (None, None) => {
                Err("no link is configured: [links] with grafana and dashboard, or grafana of a [[service]]".to_owned())
            }
        }
    }
}

/// Opens the charts of the release that the keys are about.
pub(super) fn browse(state: &mut State) -> Vec<Effect> {
    let Some(key) = state.subject().cloned() else { return Vec::new() };
    let (start, end) = state.chart.window(state.now);
    let end = (end < state.now).then_some(end);
    let query = query(state, &key);
    let link = state.links.of(&state.environment().settings.name, &key, (start, end), query.as_deref());
    match link {
        Ok(link) => {
            super::commands::say(state, format!("opening {link}"));
            vec![Effect::Open(link)]
        }
        Err(why) => {
            super::commands::say(state, why);
            Vec::new()
        }
    }
}

/// What became of that; a page that nothing opens is copied.
pub(super) fn opened(state: &mut State, page: String, done: Result<String, String>) -> Vec<Effect> {
    match done {
        Ok(command) => {
            super::commands::say(state, format!("{command} has {page}"));
            Vec::new()
        }
        Err(why) => {
            super::commands::say(state, format!("{why}: copied {page}"));
            vec![Effect::Copy(page)]
        }
    }
}

/// What is asked for the newest version by the signal that is drawn.
fn query(state: &State, key: &Key) -> Option<String> {
    let target = state.environment().metrics.target(&state.environment().cluster, key)?;
    let name = state.chart.signal(state, key)?;
    let signal = target.signals.iter().find(|signal| signal.name == name)?;
    let (_, variables) = target.tracks.first()?;
    let variables = variables.clone().with("window", &format!("{}s", signal.window));
    let fill = |template: &crate::domain::signal::Template| template.fill(&variables).ok();
    match &signal.expression {
        Expression::Value(query) => fill(query),
        Expression::Ratio { bad, total } => Some(format!("({}) / ({})", fill(bad)?, fill(total)?)),
    }
}

fn dashboard(page: &str, key: &Key, (from, to): (&str, &str)) -> String {
    let joint = if page.contains('?') { '&' } else { '?' };
    let refresh = if to == "now" { "&refresh=10s" } else { "" };
    format!(
        "{page}{joint}from={from}&to={to}&var-namespace={}&var-service={}{refresh}",
        encoded(&key.namespace),
        encoded(&key.name)
    )
}

/// Grafana's page for a query, from version 10 on.
fn explore(base: &str, datasource: &str, query: &str, (from, to): (&str, &str)) -> String {
    let quoted = |text: &str| {
        let mut quoted = String::with_capacity(text.len() + 2);
        quoted.push('"');
        for letter in text.chars() {
            match letter {
                '"' | '\\' => quoted.extend(['\\', letter]),
                '\n' => quoted.push_str("\\n"),
                letter => quoted.push(letter),
            }
        }
        quoted.push('"');
        quoted
    };
    let panes = format!(
        r#"{{"a":{{"datasource":{},"queries":[{{"refId":"A","expr":{}}}],"range":{{"from":{},"to":{}}}}}}}"#,
        quoted(datasource),
        quoted(query),
        quoted(from),
        quoted(to)
    );
    format!("{base}/explore?schemaVersion=1&orgId=1&panes={}", encoded(&panes))
}

/// A text as a value in a query string (RFC 3986, 2.3: what is not unreserved is written in percent).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::domain::id::Kind;

    fn links(grafana: Option<&str>, dashboard: Option<&str>, datasource: Option<&str>) -> Links {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let service =
            |name: &str, grafana: &str| Service { name: name.to_owned(), grafana: Some(grafana.to_owned()), ..Service::default() };
        Links {
            links: config::Links {
                grafana: text(grafana),
                dashboard: text(dashboard),
                datasource: text(datasource),
                ..Default::default()
            },
            services: vec![service("pay*", "https://other.example/d/pay?orgId=2"), service("path", "/d/path")],
        }
    }

    fn link(links: &Links, name: &str, query: Option<&str>) -> Result<String, String> {
        let start = Timestamp::UNIX_EPOCH + 5.seconds();
        links.of("prod", &Key::new(Kind::Rollout, "a b", name), (start, None), query)
    }

    #[test]
    fn a_dashboard_or_a_query_with_the_span_on_the_screen() {
        let all = links(Some("https://g.example/"), Some("d/uid/slug"), Some("prom"));
        assert_eq!(
            link(&all, "web", None).unwrap(),
            "https://g.example/d/uid/slug?from=5000&to=now&var-namespace=a%20b&var-service=web&refresh=10s"
        );
        assert!(link(&all, "payments", None).unwrap().starts_with("https://other.example/d/pay?orgId=2&from=5000&to=now&"));
        assert!(link(&all, "path", None).unwrap().starts_with("https://g.example/d/path?from="));
        let end = Some(Timestamp::UNIX_EPOCH + 65.seconds());
        let past = all.of("prod", &Key::new(Kind::Rollout, "a", "web"), (Timestamp::UNIX_EPOCH, end), None).unwrap();
        assert_eq!(past, "https://g.example/d/uid/slug?from=0&to=65000&var-namespace=a&var-service=web");
        let single = links(Some("https://g.example"), None, Some("prom"));
        let explore = link(&single, "web", Some("sum(x{a=\"b\"})")).unwrap();
        assert!(explore.starts_with("https://g.example/explore?schemaVersion=1&orgId=1&panes=%7B%22a%22%3A"), "{explore}");
        assert!(explore.contains("sum%28x%7Ba%3D%5C%22b%5C%22%7D%29"), "{explore}");
    }

    #[test]
    fn what_is_missing_is_named() {
        for (links, missing) in [
            (links(None, None, None), "no link is configured"),
            (links(None, Some("/d/x"), None), "'/d/x' is a path"),
            (links(Some("https://g.example"), None, None), "neither a dashboard nor a datasource"),
            (links(Some("https://g.example"), None, Some("prom")), "there is no query"),
        ] {
            let said = link(&links, "web", None).unwrap_err();
            assert!(said.contains(missing), "{said}");
        }
    }
}
