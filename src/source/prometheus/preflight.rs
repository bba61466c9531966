//! Whether signals can find anything at a server: do the series exist, do the labels match, is there traffic, how old is the newest sample, is
//! the limit within reach. Asks with the variables left open, so that it needs no rollout; what is wrong is said with how to mend it.

use std::sync::Arc;

use super::answer::data;
use super::batch::{Ask, Said, When, ask};
use super::recorded;
use super::server::Server;
use super::trouble::Trouble;
use crate::domain::duration::age;
use crate::domain::signal::{
    Anatomy, Comparator, Expression, Limit, Origin, PRESETS, Part, Recorded, Signal, SignalKind, Template, Unit, preset,
};
use crate::source::kube::fault::one_line;

/// Values of a label that are named at most.
const NAMED: usize = 8;
/// A value so many times the limit counts something else than the limit.
const OTHER_UNIT: f64 = 100.0;
/// Longest list of names, in bytes.
const LARGEST: usize = 4 << 20;

/// How good it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As it should be.
    Fine,
    /// Worth a look.
    Odd,
    /// It cannot work like this.
    Wrong,
}

/// What was found out about one query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The signal.
    pub signal: Arc<str>,
    /// Which of its queries: the key in the configuration.
    pub query: &'static str,
    /// How good it is.
    pub grade: Grade,
    /// The same in words, with how to mend it.
    pub text: String,
}

type Line = (Grade, String);

/// Looks at every query of these signals. That the server is away is an error.
pub async fn preflight(server: &Server, signals: &[Signal]) -> Result<Vec<Finding>, Trouble> {
    let known = usual(server).await?;
    let mut findings = Vec::new();
    for signal in signals {
        for (query, template) in queries(signal) {
            let (grade, text) = look(server, signal, query, template, &known).await?;
            findings.push(Finding { signal: Arc::clone(&signal.name), query, grade, text });
        }
    }
    Ok(findings)
}

fn queries(signal: &Signal) -> Vec<(&'static str, &Template)> {
    let mut all = match &signal.expression {
        Expression::Value(query) => vec![("query", query)],
        Expression::Ratio { bad, total } => vec![("bad", bad), ("total", total)],
    };
    match &signal.fleet {
        None => {}
        Some(Expression::Value(query)) => all.push(("fleet_query", query)),
        Some(Expression::Ratio { bad, total }) => all.extend([("fleet_bad", bad), ("fleet_total", total)]),
    }
    all.extend(signal.traffic.as_ref().map(|template| ("traffic", template)));
    all
}

/// Recording rules of the server that say what somebody may want to know, each in one line with how to use it: none if it lists no rules.
pub async fn recorded(server: &Server) -> Result<Vec<String>, Trouble> {
    let rules = recorded::rules(server).await?;
    let mut lines: Vec<String> = rules.iter().filter_map(|rule| use_of(&one_line(&rule.name), &rule.query)).collect();
    lines.sort();
    lines.dedup();
    lines.truncate(2 * NAMED);
    Ok(lines)
}

/// What a recorded series is good for, by its name: as Sloth and Pyrra name theirs, and as teams mostly do.
fn use_of(name: &str, query: &str) -> Option<String> {
    if name.starts_with("slo:sli_error:ratio_rate") {
        let query = "slo:sli_error:ratio_rate{{window}}{sloth_service=\"{{service}}\"}";
        return Some(format!("Sloth records error ratios: [slo] error_ratio = {query:?}"));
    }
    if let Some((metric, _)) = name.split_once(":burnrate") {
        let query = format!("{metric}:burnrate{{{{window}}}}");
        return Some(format!("Pyrra records error ratios: [slo] error_ratio = {query:?}"));
    }
    let Recorded { service, signal } = Recorded::of(name, query)?;
    let kind = &*signal.name;
    Some(format!(
        "{name} is shown of '{service}' where nothing else is; to judge by it: [[signal]] name = {kind:?}, query = {name:?}"
    ))
}

/// The presets whose requests this server knows.
async fn usual(server: &Server) -> Result<Vec<(&'static str, String)>, Trouble> {
    let metric = |name: &'static str| {
        let signals = preset(name, ["namespace", "job", "track"])?;
        let traffic = signals.into_iter().find(|signal| signal.kind == SignalKind::Traffic)?;
        let Expression::Value(query) = traffic.expression else { return None };
        Some((name, Anatomy::of(&query, 300).ok()?.parts.first()?.metric.clone()))
    };
    let all: Vec<(&str, String)> = PRESETS.into_iter().filter_map(metric).collect();
    let asks: Vec<Ask> = all.iter().map(|(_, metric)| plain(&format!("count({metric})"))).collect();
    let heard = ask(server, &asks, When::At(None)).await?;
    Ok(all.into_iter().zip(heard.said).filter(|(_, said)| number(said).is_some()).map(|(one, _)| one).collect())
}

async fn look(
    server: &Server,
    signal: &Signal,
    query: &'static str,
    template: &Template,
    known: &[(&str, String)],
) -> Result<Line, Trouble> {
    let anatomy = match Anatomy::of(template, signal.window) {
        Ok(anatomy) => anatomy,
        Err(error) => return Ok((Grade::Odd, format!("it cannot be looked into: {error}"))),
    };
    let mut asks = vec![plain(&anatomy.relaxed)];
    asks.extend(anatomy.quotient.iter().map(|(_, divisor)| plain(divisor)));
    let first = asks.len();
    for part in &anatomy.parts {
        let bare = Part { literal: Vec::new(), ..part.clone() };
        asks.push(plain(&format!("count({})", if part.metric.is_empty() { part.selector(&[]) } else { bare.selector(&[]) })));
        asks.push(plain(&format!("count({})", part.selector(&[]))));
        asks.push(plain(&format!("count({})", part.selector(&part.present()))));
        asks.push(plain(&format!("max(timestamp({}))", part.selector(&[]))));
    }
    let heard = ask(server, &asks, When::At(None)).await?;
    let relaxed = match heard.said.first() {
        Some(Err(text)) => return Ok((Grade::Wrong, format!("the server refuses it: {text}"))),
        Some(said) => number(said),
        None => None,
    };
    let divisor = if first > 1 { heard.said.get(1).and_then(number) } else { None };
    let (mut series, mut newest) = (0.0_f64, None::<f64>);
    let (mut found, mut missing): (Vec<&str>, Vec<(&Part, Lack)>) = (Vec::new(), Vec::new());
    for (part, said) in anatomy.parts.iter().zip(heard.said.get(first..).unwrap_or_default().chunks(4)) {
        let [all, literal, present, stamp] = [0, 1, 2, 3].map(|place| said.get(place).and_then(number));
        match (all, literal, present) {
            (None, ..) => missing.push((part, Lack::Metric)),
            (_, None, _) => missing.push((part, Lack::Values)),
            (.., None) if !part.open.is_empty() => missing.push((part, Lack::Labels)),
            _ => {
                found.push(&part.metric);
                series += literal.unwrap_or(0.0);
                newest = stamp.map(|stamp| newest.map_or(stamp, |newest| newest.min(stamp))).or(newest);
            }
        }
    }
    // What is missing beside another question to the same metric is an alternative to it.
    missing.retain(|(part, _)| !found.contains(&part.metric.as_str()));
    if matches!(query, "bad" | "fleet_bad") && missing.iter().all(|(_, lack)| *lack == Lack::Values) && !missing.is_empty() {
        return unfailed(server, &missing).await;
    }
    match missing.first() {
        None => {}
        Some((part, Lack::Metric)) => return Ok((Grade::Wrong, nothing(&part.metric, signal, known))),
        Some((part, Lack::Values)) => return narrowed(server, part).await,
        Some((part, Lack::Labels)) => return unlabelled(server, part).await,
    }
    let line = judged(server, signal, query, &Reading { series, newest, relaxed, divisor });
    if query == "query" && line.0 != Grade::Wrong && anatomy.relaxed.starts_with("histogram_quantile(") {
        return within_buckets(server, signal, &anatomy, line).await;
    }
    Ok(line)
}

/// A quantile is never more than the end of the largest bucket that has one.
async fn within_buckets(server: &Server, signal: &Signal, anatomy: &Anatomy, line: Line) -> Result<Line, Trouble> {
    let asks: Vec<Ask> = anatomy.parts.iter().map(|part| plain(&format!("count by (le) ({})", part.selector(&[])))).collect();
    let heard = ask(server, &asks, When::At(None)).await?;
    let answers = heard.said.iter().filter_map(|said| said.as_ref().ok());
    let ends = answers.flatten().filter_map(|(labels, _)| labels.get("le")?.parse::<f64>().ok());
    let largest = ends.filter(|end| end.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    let below = matches!(signal.limit.comparator, Comparator::Less | Comparator::AtMost);
    if !below || !largest.is_finite() || !signal.limit.holds(largest) {
        return Ok(line);
    }
    let text = format!("{}; its largest bucket ends at {largest}: it is never over {}", line.1, signal.limit.threshold);
    Ok((Grade::Wrong, text))
}

/// What one look at a query read.
struct Reading {
    series: f64,
    /// Moment of the newest sample by the server's clock, in seconds.
    newest: Option<f64>,
    relaxed: Option<f64>,
    divisor: Option<f64>,
}

/// What to think of a query whose series are there.
fn judged(server: &Server, signal: &Signal, query: &'static str, read: &Reading) -> Line {
    let skew = server.skew().unwrap_or_default();
    let now = server.now().saturating_add(skew).map_or(0, jiff::Timestamp::as_second);
    #[expect(clippy::cast_possible_truncation, reason = "a moment in whole seconds")]
    let old = read.newest.map(|newest| now.saturating_sub(newest as i64).max(0));
    let found = match old {
        Some(old) => format!("{} series, newest sample {} old", read.series, age(old)),
        None => format!("{} series", read.series),
    };
    if let Some(old) = old.filter(|old| *old > server.settings().stale_after.as_secs()) {
        return (Grade::Wrong, format!("the newest sample is {} old: is it still scraped?", age(old)));
    }
    let grouped = query.starts_with("fleet");
    if query == "bad" && never_breached(signal) {
        let text = format!("{found}; 1 is everything, so that nothing breaches {}: 1 % is 0.01", signal.limit.threshold);
        return (Grade::Wrong, text);
    }
    match read.relaxed.filter(|value| !value.is_nan()) {
        None if read.divisor.is_some_and(|divisor| divisor > 0.0) => (
            Grade::Wrong,
            format!("{found}, but empty although there is traffic: say bad and total, or put 'or vector(0)' behind the dividend"),
        ),
        None if query == "bad" || query == "fleet_bad" => (Grade::Fine, format!("{found}, none of late: counts as 0")),
        None => (Grade::Odd, format!("{found}, but no value just now: is there any traffic?")),
        Some(value) if value <= 0.0 && matches!(query, "total" | "traffic" | "fleet_total") => {
            (Grade::Odd, format!("{found}, but no traffic just now"))
        }
        Some(value) if query == "query" && far(signal.limit, value) => {
            (Grade::Odd, format!("{found}; {}", other_unit(signal, value)))
        }
        Some(value) if query == "query" => (Grade::Fine, format!("{found}, {} over all", signal.unit.show(value))),
        Some(_) if grouped => (Grade::Fine, found),
        Some(value) => (Grade::Fine, format!("{found}, {} over all", Unit::PerSecond.show(value))),
    }
}

/// Whether even a service that fails with every request is within the limit.
fn never_breached(signal: &Signal) -> bool {
    let below = matches!(signal.limit.comparator, Comparator::Less | Comparator::AtMost);
    signal.gate && signal.kind == SignalKind::Errors && below && signal.limit.threshold >= 1.0
}

/// Whether a value is so far from its limit that they hardly count the same.
fn far(limit: Limit, value: f64) -> bool {
    limit.threshold > 0.0
        && value > 0.0
        && (value / limit.threshold >= OTHER_UNIT || limit.threshold / value >= OTHER_UNIT * OTHER_UNIT)
}

fn other_unit(signal: &Signal, value: f64) -> String {
    let limit = signal.limit;
    let hint = match signal.unit {
        Unit::Seconds if value > limit.threshold => ": does it count milliseconds?",
        Unit::Milliseconds if value < limit.threshold => ": does it count seconds?",
        Unit::Ratio if value > limit.threshold => ": does it count percent?",
        Unit::Percent if value < limit.threshold => ": does it count parts of 1?",
        _ => ": do both count the same?",
    };
    format!("{value:.4} is far from {limit} {}{hint}", limit.threshold, limit = limit.comparator)
}

fn nothing(metric: &str, signal: &Signal, known: &[(&str, String)]) -> String {
    let of_preset = matches!(signal.origin, Origin::Preset(_)) && signal.kind != SignalKind::Saturation;
    let instead: Vec<String> = known
        .iter()
        .filter(|_| of_preset)
        .filter(|(_, known)| known != metric)
        .map(|(preset, metric)| format!("preset = \"{preset}\" would find {metric}"))
        .collect();
    let mend = match signal.kind {
        _ if !instead.is_empty() => instead.join(", "),
        SignalKind::Saturation if signal.gate => "is it scraped? If nothing limits these pods, say gate = false".to_owned(),
        _ => "is its name right, and is it scraped?".to_owned(),
    };
    format!("there are no series of {metric}: {mend}")
}

/// What of a selector is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// The metric.
    Metric,
    /// A series of it with what is asked of its labels.
    Values,
    /// A label that a variable fills.
    Labels,
}

/// Whether nothing ever failed, or nobody would see it.
async fn unfailed(server: &Server, missing: &[(&Part, Lack)]) -> Result<Line, Trouble> {
    let mut absent = Vec::new();
    for (part, _) in missing {
        let mut whole = true;
        for (label, _) in &part.literal {
            if values(server, label, &part.metric).await?.is_empty() {
                whole = false;
                absent.push(label.as_str());
            }
        }
        if whole {
            return Ok((Grade::Fine, format!("no series of {} yet: nothing ever failed, which counts as 0", part.selector(&[]))));
        }
    }
    let metric = missing.first().map_or("", |(part, _)| part.metric.as_str());
    let labels = labels(server, metric).await?;
    Ok((
        Grade::Wrong,
        format!("no series of {metric} has the label {}: no failure would ever be seen; it has {labels}", absent.join(" or ")),
    ))
}

/// Labels of a metric, in words.
async fn labels(server: &Server, metric: &str) -> Result<String, Trouble> {
    let labels = names(server, "/api/v1/labels", metric).await?;
    Ok(labels.into_iter().filter(|name| name != "__name__").take(2 * NAMED).collect::<Vec<_>>().join(", "))
}

/// Why a metric has no series with what is asked of its labels.
async fn narrowed(server: &Server, part: &Part) -> Result<Line, Trouble> {
    let alone = |text: &String| Part { literal: vec![(String::new(), text.clone())], ..part.clone() }.selector(&[]);
    let asks: Vec<Ask> = part.literal.iter().map(|(_, text)| plain(&format!("count({})", alone(text)))).collect();
    let heard = ask(server, &asks, When::At(None)).await?;
    let culprit = part.literal.iter().zip(&heard.said).find(|(_, said)| number(said).is_none()).map(|(one, _)| one);
    let Some((label, text)) = culprit else {
        return Ok((Grade::Wrong, format!("no series of {} has all of it at once", part.selector(&[]))));
    };
    let values = values(server, label, &part.metric).await?;
    let there = if values.is_empty() { format!("it has no label {label}") } else { format!("{label} is {values}") };
    Ok((Grade::Wrong, format!("no series of {} has {text}: {there}", part.metric)))
}

/// Which label that a variable fills is not there.
async fn unlabelled(server: &Server, part: &Part) -> Result<Line, Trouble> {
    let missing: Vec<Ask> =
        part.open.iter().map(|label| plain(&format!("count({})", part.selector(&[format!("{label}!=\"\"")])))).collect();
    let heard = ask(server, &missing, When::At(None)).await?;
    let label = part.open.iter().zip(&heard.said).find(|(_, said)| number(said).is_none()).map(|(label, _)| label.as_str());
    let Some(label) = label else {
        return Ok((Grade::Wrong, format!("no series of {} has {} at once", part.metric, part.open.join(", "))));
    };
    let there = labels(server, &part.metric).await?;
    Ok((Grade::Wrong, format!("no series of {} has the label {label}: it has {there}", part.metric)))
}

async fn values(server: &Server, label: &str, metric: &str) -> Result<String, Trouble> {
    let all = names(server, &format!("/api/v1/label/{label}/values"), metric).await?;
    let more = all.len().saturating_sub(NAMED);
    let text = all.iter().take(NAMED).map(|value| format!("'{value}'")).collect::<Vec<_>>().join(", ");
    Ok(if more > 0 { format!("{text} and {more} more") } else { text })
}

/// Names that a server lists; none if it has no such list.
async fn names(server: &Server, path: &str, metric: &str) -> Result<Vec<String>, Trouble> {
    match server.get(path, &[("match[]", metric.to_owned())], LARGEST).await {
        Ok(reply) => data::<Vec<String>>(&reply.body).map(|(names, _)| names.iter().map(|name| one_line(name)).collect()),
        Err(Trouble::Down { text, wait }) => Err(Trouble::Down { text, wait }),
        Err(Trouble::Refused(_) | Trouble::Missing(_)) => Ok(Vec::new()),
    }
}

fn plain(text: &str) -> Ask {
    Ask { text: text.into(), scalar: false, alone: false }
}

/// The value of a query that returned something; of several the first will do.
fn number(said: &Said) -> Option<f64> {
    said.as_ref().ok()?.first()?.1.last().map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_series_say_what_they_are_good_for() {
        let said = |name: &str| use_of(name, "x").unwrap_or_default();
        assert!(said("slo:sli_error:ratio_rate5m").contains("ratio_rate{{window}}"));
        assert!(said("http_requests:burnrate1h").ends_with("error_ratio = \"http_requests:burnrate{{window}}\""));
        assert!(
            said("gateway:duration_p95")
                .contains("is shown of 'gateway' where nothing else is; to judge by it: [[signal]] name = \"p95\"")
        );
        assert_eq!(use_of("up", "x"), None);
    }

    #[test]
    fn values_far_from_their_limit_count_something_else() {
        let limit = Limit { comparator: Comparator::Less, threshold: 1.5 };
        assert_eq!([412.0, 1.0, 0.001, 0.0001, 0.0].map(|value| far(limit, value)), [true, false, false, true, false]);
    }
}
