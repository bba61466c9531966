//! The metrics source against servers that are dead, slow, lying, or well in odd ways.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use pilothouse::config::Environment;
use pilothouse::config::metrics::{Address, Credentials, Prometheus, Secret};
use pilothouse::domain::id::EnvironmentId;
use pilothouse::domain::signal::{MetricsLink, Track, TrackSeries};
use serde_json::{Value, json};

use crate::support::ears::{Ears, Heard, environment, now, otel, prometheus, signals, target};
use crate::support::liar::{Answer, Asked, Liar, body, raw, text};

const SOON: Duration = Duration::from_secs(6);

/// The query of a request, whether it came as a form or in the address.
fn form(asked: &Asked) -> Vec<(String, String)> {
    let sent = asked.target.split_once('?').map_or(asked.body.as_str(), |(_, query)| query);
    url_decoded(sent)
}

fn url_decoded(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn parameter(asked: &Asked, name: &str) -> String {
    form(asked).into_iter().find(|(found, _)| found == name).map(|(_, value)| value).unwrap_or_default()
}

fn vector(items: &Value) -> Answer {
    body(200, &json!({ "status": "success", "data": { "resultType": "vector", "result": items } }))
}

fn matrix(items: &Value) -> Answer {
    body(200, &json!({ "status": "success", "data": { "resultType": "matrix", "result": items } }))
}

fn refused(code: u16, error: &str) -> Answer {
    body(code, &json!({ "status": "error", "errorType": "bad_data", "error": error }))
}

/// A server at rest: every instant query has one value without labels, every range query one series; those that are joined each get
/// theirs.
fn well(asked: &Asked) -> Answer {
    well_with(asked, |_, _| Some("1".to_owned()))
}

/// The same, with the value of a query at a moment.
fn well_with(asked: &Asked, value: impl Fn(&str, i64) -> Option<String>) -> Answer {
    if !asked.target.contains("/query") {
        return text(404, "text/plain", "404 page not found");
    }
    let query = parameter(asked, "query");
    let parts: Vec<(Option<String>, String)> = if query.contains("pilothouse_query") {
        let parts = query.split(", \"\", \"\")").filter_map(|part| {
            let (text, place) = part.rsplit_once(", \"pilothouse_query\", ")?;
            let text = text.trim_start_matches(" or ").trim_start_matches("label_replace(");
            Some((Some(place.trim_matches('"').to_owned()), text.to_owned()))
        });
        parts.collect()
    } else {
        vec![(None, query)]
    };
    let labels = |place: &Option<String>| place.as_ref().map_or(json!({}), |place| json!({ "pilothouse_query": place }));
    if asked.target.contains("query_range") {
        let number = |name: &str| parameter(asked, name).parse::<i64>().unwrap();
        let (start, end, step) = (number("start"), number("end"), number("step"));
        let series = parts.iter().filter_map(|(place, text)| {
            let moments = (0..=(end - start) / step).map(|place| start + place * step);
            let values: Vec<Value> = moments.filter_map(|at| Some(json!([at, value(text, at)?]))).collect();
            (!values.is_empty()).then(|| json!({ "metric": labels(place), "values": values }))
        });
        return matrix(&series.collect());
    }
    let now = now().as_second();
    let items = parts.iter().filter_map(|(place, text)| {
        let value = if text.contains("timestamp(") { Some((now - 7).to_string()) } else { value(text, now) };
        Some(json!({ "metric": labels(place), "value": [now, value?] }))
    });
    vector(&items.collect())
}

fn ears_on(liar: &Liar) -> Ears {
    Ears::on(environment(prometheus(&format!("http://127.0.0.1:{}", liar.port)), &otel()), None)
}

fn line<'a>(heard: &'a Heard, signal: &str, track: Track) -> &'a TrackSeries {
    let measured = &heard.measured["gateway"];
    let (_, lines) = measured.signals.iter().find(|(name, _)| &**name == signal).unwrap();
    lines.iter().find(|line| line.track == track).unwrap()
}

#[test]
fn a_server_that_is_well_is_measured_and_then_only_asked_for_what_is_new() {
    let liar = Liar::start(|asked| {
        well_with(asked, |query, at| match query {
            query if query.contains("5..") => None,
            query if query.contains("histogram_quantile") => Some(format!("0.{}", 100 + at % 100)),
            _ => Some("2".to_owned()),
        })
    });
    let mut ears = ears_on(&liar);
    ears.measure(vec![target(&otel())]);
    ears.until(SOON, "measured twice", |heard| heard.measured.contains_key("gateway") && heard.up());
    let spans = |liar: &Liar| -> Vec<i64> {
        let ranges: Vec<Asked> = liar.asked().into_iter().filter(|asked| asked.target.contains("query_range")).collect();
        ranges
            .iter()
            .map(|asked| parameter(asked, "end").parse::<i64>().unwrap() - parameter(asked, "start").parse::<i64>().unwrap())
            .collect()
    };
    ears.until(SOON, "asked three times", |_| spans(&liar).len() >= 3);
    let spans = spans(&liar);
    assert!(spans[0] >= 590 && spans[2] <= 20, "{spans:?}");
    let errors = line(&ears.heard, "errors", Track::Canary);
    assert_eq!(
        (errors.value.last(), errors.traffic.as_ref().unwrap().last(), errors.refused.as_deref()),
        (Some(0.0), Some(2.0), None)
    );
    let p95 = line(&ears.heard, "p95", Track::Stable);
    assert!(p95.value.points().all(|(_, value)| value.is_some_and(|value| value >= 0.1)), "{:?}", p95.value);
    assert!(p95.value.values.len() > 190, "{}", p95.value.values.len());
    let age = now().duration_since(p95.sampled.unwrap()).as_secs();
    assert!((6..=12).contains(&age), "{age}");
    assert_eq!(p95.pods, Some(2));
    let end = now().duration_since(p95.value.end().unwrap()).as_secs();
    assert!((0..=6).contains(&end), "{end}");
    ears.measure(Vec::new());
    ears.for_a_while(Duration::from_millis(500));
    let before = liar.asked().iter().filter(|asked| asked.target.contains("query_range")).count();
    ears.for_a_while(Duration::from_secs(2));
    assert_eq!(
        liar.asked().iter().filter(|asked| asked.target.contains("query_range")).count(),
        before,
        "nobody wants it any more"
    );
    let counted = ears.sources.tally(EnvironmentId(0)).unwrap();
    assert!(counted.queries > 10 && counted.bytes > 10_000 && counted.failures <= 4, "only what is optional is missing: {counted}");
}

#[test]
fn a_clock_that_is_off_does_not_matter() {
    let liar = Liar::start(|asked| {
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now()).unwrap();
        with_header(well(asked), "Date", &date)
    });
    let url = format!("http://127.0.0.1:{}", liar.port);
    let ahead = SignedDuration::from_secs(300);
    let mut ears = Ears::with_clock(environment(prometheus(&url), &otel()), None, ahead);
    ears.measure(vec![target(&otel())]);
    ears.until(SOON, "measured", |heard| heard.measured.contains_key("gateway"));
    let line = line(&ears.heard, "p95", Track::Canary);
    let age = (now() + ahead).duration_since(line.sampled.unwrap()).as_secs();
    let end = (now() + ahead).duration_since(line.value.end().unwrap()).as_secs();
    assert!((5..=13).contains(&age) && (-1..=8).contains(&end), "sample {age} s old, last value {end} s");
    assert_eq!(line.value.last(), Some(1.0));
}

/// An answer with one header more.
fn with_header(answer: Answer, name: &str, value: &str) -> Answer {
    let bytes = String::from_utf8(answer.into_bytes()).unwrap();
    raw(bytes.replacen("\r\n", &format!("\r\n{name}: {value}\r\n"), 1))
}

#[test]
fn half_of_the_answers_are_enough() {
    let count = Arc::new(AtomicUsize::new(0));
    let liar = Liar::start(move |asked| {
        if count.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { text(503, "text/plain", "no backend") } else { well(asked) }
    });
    let mut ears = ears_on(&liar);
    ears.measure(vec![target(&otel())]);
    ears.until(Duration::from_secs(30), "three polls of each", |heard| {
        let measured = heard.measured.get("gateway").is_some_and(|measured| measured.signals.len() == 4);
        measured && heard.fleets.len() == 4 && heard.links.iter().filter(|link| matches!(link, MetricsLink::Up { .. })).count() >= 3
    });
    assert_eq!(line(&ears.heard, "p95", Track::Canary).value.last(), Some(1.0));
    let counted = ears.sources.tally(EnvironmentId(0)).unwrap();
    assert!(counted.failures * 3 > counted.queries, "{counted}");
}

#[test]
fn a_balancer_without_anybody_behind_it_is_said() {
    let liar = Liar::start(|_| text(503, "text/plain", "no backend"));
    let mut ears = ears_on(&liar);
    ears.until(SOON, "said", |heard| heard.down() == Some("503 Service Unavailable: no backend"));
}

/// What a server answers, and what is said of it.
type Case = (fn() -> Answer, &'static str);

#[test]
fn what_is_no_metrics_server_is_said_in_a_line() {
    let cases: [Case; 5] = [
        (|| text(200, "text/html", "<!DOCTYPE html><title>Sign in</title>"), "it answers with a web page"),
        (|| text(404, "text/plain", "404 page not found"), "404 Not Found: there is no Prometheus API at this address"),
        (|| raw("SSH-2.0-OpenSSH_9.2\r\n"), "it does not speak HTTP"),
        (
            || text(200, "application/json", "{\"status\":\"success\",\"data\":{\"resultType\":\"vec"),
            "its answer breaks off in the middle",
        ),
        (
            || raw("HTTP/1.1 302 Found\r\nLocation: https://login.example/?token=abc\r\nContent-Length: 0\r\n\r\n"),
            "302: it sends us on to https://login.example, which is not the server that is configured",
        ),
    ];
    for (answer, expected) in cases {
        let liar = Liar::start(move |_| answer());
        let mut ears = ears_on(&liar);
        ears.until(SOON, expected, |heard| heard.down().is_some_and(|reason| reason.contains(expected)));
    }
}

#[test]
fn a_server_that_hangs_or_floods_costs_its_own_freshness_only() {
    for (answer, expected) in [("", "no answer for 2 s"), ("flood", "the answer is larger than any that is expected")] {
        let liar = Liar::start(move |_| match answer {
            "" => Answer::silence(),
            _ => raw([b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".as_slice(), &vec![b' '; 40 << 20]].concat()),
        });
        let mut ears = ears_on(&liar);
        ears.until(Duration::from_secs(15), expected, |heard| heard.down() == Some(expected));
        let asked = liar.asked().len();
        ears.for_a_while(Duration::from_secs(3));
        assert!(liar.asked().len() - asked < 15, "{} more requests to a server that is of no use", liar.asked().len() - asked);
    }
}

#[test]
fn a_refused_query_costs_only_itself() {
    let liar = Liar::start(|asked| {
        let query = parameter(asked, "query");
        if query.contains("container_cpu") { refused(422, "too many samples") } else { well(asked) }
    });
    let mut ears = ears_on(&liar);
    ears.measure(vec![target(&otel())]);
    ears.until(SOON, "measured", |heard| heard.measured.contains_key("gateway"));
    let saturation = line(&ears.heard, "saturation", Track::Canary);
    assert_eq!((saturation.refused.as_deref(), saturation.value.last()), (Some("too many samples"), None));
    assert_eq!((line(&ears.heard, "p95", Track::Canary).value.last(), ears.heard.up()), (Some(1.0), true));
    let saturated = |liar: &Liar| {
        liar.asked()
            .iter()
            .filter(|asked| asked.target.contains("range") && parameter(asked, "query").contains("container_cpu"))
            .count()
    };
    let before = saturated(&liar);
    ears.for_a_while(Duration::from_secs(3));
    assert_eq!(saturated(&liar), before, "what is refused is remembered");
}

#[test]
fn a_server_that_takes_no_forms_and_joins_nothing_is_asked_as_it_likes() {
    let liar = Liar::start(|asked| match asked {
        asked if asked.head.starts_with("POST") => text(405, "text/plain", "Method Not Allowed"),
        asked if parameter(asked, "query").contains("pilothouse_query") => refused(400, "unknown function label_replace"),
        asked => well(asked),
    });
    let mut ears = ears_on(&liar);
    ears.measure(vec![target(&otel())]);
    ears.until(SOON, "measured", |heard| heard.measured.contains_key("gateway"));
    assert_eq!(line(&ears.heard, "errors", Track::Stable).value.last(), Some(1.0));
    ears.for_a_while(Duration::from_secs(1));
    let before = liar.asked().len();
    ears.for_a_while(Duration::from_secs(3));
    let later = liar.asked().split_off(before);
    assert!(!later.is_empty() && later.iter().all(|asked| asked.head.starts_with("GET")));
    assert!(later.iter().all(|asked| !parameter(asked, "query").contains("pilothouse_query")));
}

#[test]
fn credentials_are_read_again_when_they_are_refused_and_go_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "old\n").unwrap();
    let other = Liar::start(well);
    let port = other.port;
    let liar = Liar::start(move |asked| match asked.authorization.as_str() {
        "Bearer new" => well(asked),
        "Bearer lost" => {
            raw(format!("HTTP/1.1 307 Sent\r\nLocation: http://127.0.0.1:{port}/api/v1/query\r\nContent-Length: 0\r\n\r\n"))
        }
        _ => text(401, "text/plain", "who are you"),
    });
    let settings = Prometheus {
        credentials: Credentials::Token(Secret::File(path.clone())),
        ..prometheus(&format!("http://127.0.0.1:{}", liar.port))
    };
    let mut ears = Ears::on(environment(settings, &otel()), None);
    ears.until(SOON, "refused", |heard| heard.down() == Some("401 Unauthorized: the server does not take these credentials"));
    std::fs::write(&path, "new\n").unwrap();
    ears.until(SOON, "taken", Heard::up);
    std::fs::write(&path, "lost\n").unwrap();
    ears.until(SOON, "sent on", |heard| {
        heard.down().is_some_and(|reason| reason.starts_with("307: it sends us on to http://127.0.0.1"))
    });
    assert!(other.asked().is_empty(), "nobody else has seen the token");
    std::fs::remove_file(&path).unwrap();
    ears.until(Duration::from_secs(15), "gone", |heard| {
        heard.down().is_some_and(|reason| reason.starts_with("no credentials: ") && reason.contains("token"))
    });
}

#[test]
fn a_new_connection_asks_at_once() {
    let liar = Liar::start(well);
    let slow = Prometheus { interval: SignedDuration::from_secs(60), ..prometheus(&format!("http://127.0.0.1:{}", liar.port)) };
    let mut ears = Ears::on(environment(slow, &otel()), None);
    ears.until(SOON, "up", Heard::up);
    ears.for_a_while(Duration::from_millis(500));
    let before = liar.asked().len();
    ears.for_a_while(Duration::from_secs(1));
    assert_eq!(liar.asked().len(), before, "a minute is not over");
    ears.reconnect();
    ears.until(SOON, "asked again", |_| liar.asked().len() > before);
}

#[test]
fn requests_carry_what_is_configured_under_the_prefix() {
    let liar =
        Liar::start(|asked| if asked.target.starts_with("/tenant/x/api/v1/") { well(asked) } else { text(404, "text/plain", "") });
    let settings = Prometheus {
        post: false,
        headers: [("X-Scope-OrgID".to_owned(), "shop".to_owned())].into(),
        parameters: [("dedup".to_owned(), "true".to_owned())].into(),
        credentials: Credentials::Basic("dana".to_owned(), Secret::Command(["echo", "pass"].map(str::to_owned).into())),
        ..prometheus(&format!("http://127.0.0.1:{}/tenant/x", liar.port))
    };
    let mut ears = Ears::on(environment(settings, &otel()), None);
    ears.until(SOON, "up", Heard::up);
    let asked = liar.asked();
    let first = asked.iter().find(|asked| asked.target.contains("/query")).unwrap();
    assert_eq!((parameter(first, "dedup"), first.authorization.as_str()), ("true".to_owned(), "Basic ZGFuYTpwYXNz"));
    assert!(first.head.to_ascii_lowercase().contains("x-scope-orgid: shop") && first.head.starts_with("GET"));
}

#[test]
fn ten_thousand_rows_and_odd_numbers_come_through() {
    let liar = Liar::start(|asked| {
        let query = parameter(asked, "query");
        if !query.starts_with("sum by") {
            return well(asked);
        }
        let value = |place: usize| match place {
            0 => "NaN".to_owned(),
            1 => "+Inf".to_owned(),
            place => place.to_string(),
        };
        let items = (0..10_000).map(|place| {
            json!({ "metric": { "namespace": "shop", "job": format!("web-{place:05}"), "track": "stable" }, "value": [1, value(place)] })
        });
        vector(&items.collect())
    });
    let mut ears = ears_on(&liar);
    ears.until(SOON, "all of them", |heard| heard.fleets.get("traffic").is_some_and(|fleet| fleet.rows.len() == 10_000));
    let rows = &ears.heard.fleets["traffic"].rows;
    assert!(rows[0].value.is_nan() && rows[1].value.is_infinite() && rows[9_999].value == 9_999.0);
    assert_eq!((&*rows[7].rollout, rows[7].track), ("web-00007", Track::Stable));
    let Some(MetricsLink::Up { sampled: Some(sampled), .. }) = ears.heard.link else { panic!("{:?}", ears.heard.link) };
    assert!((5..=12).contains(&now().duration_since(sampled).as_secs()));
}

#[test]
fn a_chart_is_asked_for_once_in_steps_that_servers_take() {
    let liar = Liar::start(|asked| well_with(asked, |_, at| Some(at.to_string())));
    let ears = ears_on(&liar);
    let end = now();
    let start = end - SignedDuration::from_hours(24 * 30);
    let chart = ears.chart(target(&otel()), (start, end, 1)).unwrap();
    let (_, lines) = &chart.signals[0];
    let points = lines[0].value.values.len();
    assert!((10_000..=11_001).contains(&points), "{points}");
    let dead = Ears::on(environment(prometheus("http://127.0.0.1:1"), &otel()), None);
    assert_eq!(dead.chart(target(&otel()), (start, end, 60)).unwrap_err(), "connection refused");
}

#[test]
fn empty_answers_warnings_and_infinities_are_told_apart() {
    let own = signals(
        "[[signal]]\nname = \"empty\"\nquery = \"none\"\n[[signal]]\nname = \"infinite\"\nquery = \"infinite\"\n\
         [[signal]]\nname = \"many\"\nquery = \"many\"\n[[signal]]\nname = \"number\"\nquery = \"7\"\n",
    );
    let liar = Liar::start(|asked| {
        let query = parameter(asked, "query");
        if query == "many" {
            let start: i64 = parameter(asked, "start").parse().unwrap();
            return matrix(
                &json!([{ "metric": { "a": "1" }, "values": [[start, "1"]] }, { "metric": { "a": "2" }, "values": [[start, "2"]] }]),
            );
        }
        if query.contains("many") {
            return refused(400, "one of them is bad");
        }
        let answer = well_with(asked, |query, _| match query {
            query if query.contains("none") => None,
            query if query.contains("infinite") => Some("+Inf".to_owned()),
            _ => Some("7".to_owned()),
        });
        let text = String::from_utf8(answer.into_bytes()).unwrap();
        let (_, json) = text.split_once("\r\n\r\n").unwrap();
        let mut json: Value = serde_json::from_str(json).unwrap_or_default();
        json["warnings"] = json!(["PromQL warning: odd"]);
        body(200, &json)
    });
    let mut ears = Ears::on(environment(prometheus(&format!("http://127.0.0.1:{}", liar.port)), &own), None);
    ears.measure(vec![target(&own)]);
    ears.until(SOON, "measured", |heard| heard.measured.contains_key("gateway"));
    let heard = &ears.heard;
    assert_eq!(
        (line(heard, "empty", Track::Canary).value.last(), line(heard, "empty", Track::Canary).refused.as_ref()),
        (None, None)
    );
    assert_eq!(line(heard, "infinite", Track::Canary).value.last(), Some(f32::INFINITY));
    assert_eq!(line(heard, "number", Track::Canary).value.last(), Some(7.0));
    let many = line(heard, "many", Track::Canary).refused.as_deref().unwrap();
    assert!(many.starts_with("it returns 2 series and not one"), "{many}");
    assert_eq!(*heard.measured["gateway"].notes, ["PromQL warning: odd".into()]);
}

#[test]
fn a_service_is_reached_through_the_api_server_with_the_credentials_of_the_cluster() {
    let path = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/";
    let liar = Liar::start(move |asked| if asked.target.starts_with(path) { well(asked) } else { text(404, "text/plain", "") });
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = liar.kubeconfig(folder.path(), "{token: of-the-cluster}");
    let address = Address::Service { namespace: "monitoring".to_owned(), name: "prometheus:9090".to_owned() };
    let settings = Prometheus { address, post: false, ..prometheus("") };
    let environment = Environment { kubeconfig: vec![kubeconfig], ..environment(settings, &otel()) };
    let mut ears = Ears::on(environment, None);
    ears.measure(vec![target(&otel())]);
    ears.until(SOON, "measured", |heard| heard.measured.contains_key("gateway") && heard.up());
    assert_eq!(line(&ears.heard, "errors", Track::Canary).value.last(), Some(1.0));
    let proxied: Vec<Asked> = liar.asked().into_iter().filter(|asked| asked.target.contains("/proxy/")).collect();
    assert!(
        !proxied.is_empty()
            && proxied.iter().all(|asked| asked.authorization == "Bearer of-the-cluster" && asked.head.starts_with("GET"))
    );
}
