//! What a server's recording rules say: signals in the name of a service, and what Sloth or Pyrra write down of what is promised of it. What is
//! configured counts before it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::answer::{Answer, Rules, data};
use super::batch::{When, send};
use super::burn::{Burns, Ratios};
use super::server::Server;
use super::trouble::Trouble;
use crate::domain::duration::length_millis;
use crate::domain::signal::{Recorded, Target, Template};
use crate::domain::slo::{BurnReading, RecordedSlo};
use crate::source::kube::fault::one_line;

/// Longest list of rules, in bytes.
const LARGEST: usize = 16 << 20;
/// Most rules that are kept as signals.
const MOST: usize = 1_000;
/// Before the window in the names of Sloth's error ratios.
const SLOTH: &str = "slo:sli_error:ratio_rate";
/// Before the window in the names of Pyrra's, which are error ratios whatever they are called.
const PYRRA: &str = ":burnrate";
/// What Sloth records of a service.
const OF_SLOTH: &str =
    "{__name__=~\"slo:(sli_error:ratio_rate[0-9]+[a-z]+|objective:ratio|time_period:days)\",sloth_service=\"{{service}}\"}";
/// What Pyrra does.
const OF_PYRRA: &str = "{__name__=~\".+:burnrate[0-9]+[a-z]+\",slo!=\"\",job=\"{{service}}\"} or {__name__=~\".+:burnrate[0-9]+[a-z]+\",slo=\"{{service}}\"}";
/// What Pyrra says of what is promised, where its generic rules are on.
const PROMISES: &str = "{__name__=~\"pyrra_(objective|window|availability)\"}";

/// A recording rule.
#[derive(Deserialize)]
pub struct Rule {
    /// The name of its series.
    #[serde(default)]
    pub name: String,
    /// What it evaluates.
    #[serde(default)]
    pub query: String,
}

/// All recording rules; none if the server lists none.
pub async fn rules(server: &Server) -> Result<Vec<Rule>, Trouble> {
    let reply = match server.get("/api/v1/rules", &[("type", "record".to_owned())], LARGEST).await {
        Ok(reply) => reply,
        Err(Trouble::Down { text, wait }) => return Err(Trouble::Down { text, wait }),
        Err(Trouble::Refused(_) | Trouble::Missing(_)) => return Ok(Vec::new()),
    };
    let (rules, _): (Rules<Rule>, _) = data(&reply.body)?;
    Ok(rules.all().collect())
}

/// The signals that rules record, each once, by their names.
pub async fn signals(server: &Server) -> Result<Vec<Recorded>, Trouble> {
    let mut rules = rules(server).await?;
    rules.sort_by(|a, b| a.name.cmp(&b.name));
    rules.dedup_by(|a, b| a.name == b.name);
    Ok(rules.iter().filter_map(|rule| Recorded::of(&rule.name, &rule.query)).take(MOST).collect())
}

/// What rules record of one promise.
#[derive(Default)]
struct Promise {
    objective: Option<f64>,
    /// Seconds.
    period: Option<u32>,
    ratios: BTreeMap<u32, f64>,
}

impl Burns {
    /// Error ratios of a target as rules record them; without any if none do.
    pub async fn recorded(&mut self, server: &Server, target: &Target) -> Result<BurnReading, Trouble> {
        let retention = self.retention(server).await?;
        let (key, uid, asked) = (target.key.clone(), target.uid.clone(), server.now());
        let found = match sloth(&ask(server, OF_SLOTH, target).await?) {
            none if none.is_empty() => {
                let ratios = ask(server, OF_PYRRA, target).await?;
                if ratios.series.is_empty() { Vec::new() } else { pyrra(&ratios, &ask(server, PROMISES, target).await?) }
            }
            found => found,
        };
        let (recorded, ratios) = worst(found).unzip();
        Ok(BurnReading { key, uid, asked, ratios: ratios.unwrap_or_default(), retention, refused: None, recorded })
    }
}

/// Asks for what is recorded of a target. What the server refuses, it does not have.
async fn ask(server: &Server, query: &str, target: &Target) -> Result<Answer, Trouble> {
    let variables = target.tracks.first().map(|(_, variables)| variables.clone()).unwrap_or_default();
    let filled = Template::read(query, &[]).and_then(|template| template.fill(&variables));
    let Ok(filled) = filled else { return Ok(Answer::default()) };
    match send(server, &filled, When::At(None)).await {
        Ok((answer, _)) => Ok(answer),
        Err(Trouble::Refused(_)) => Ok(Answer::default()),
        Err(trouble) => Err(trouble),
    }
}

type Named = (String, Promise);

fn sloth(answer: &Answer) -> Vec<Named> {
    let mut promises = BTreeMap::new();
    for (slo, name, value) in values(answer, "sloth_slo") {
        let promise: &mut Promise = promises.entry(format!("Sloth {slo}")).or_default();
        match name {
            "slo:objective:ratio" => promise.objective = Some(value),
            "slo:time_period:days" => promise.period = seconds(value * 86_400.0),
            name => promise.hear(name.strip_prefix(SLOTH), value),
        }
    }
    promises.into_iter().collect()
}

fn pyrra(ratios: &Answer, said: &Answer) -> Vec<Named> {
    let mut promises: BTreeMap<String, Promise> = BTreeMap::new();
    for (slo, name, value) in values(ratios, "slo") {
        let window = name.rsplit_once(PYRRA).map(|(_, window)| window);
        promises.entry(format!("Pyrra {slo}")).or_default().hear(window, value);
    }
    let mut available = BTreeMap::new();
    for (slo, name, value) in values(said, "slo") {
        let slo = format!("Pyrra {slo}");
        let Some(promise) = promises.get_mut(&slo) else { continue };
        match name {
            "pyrra_objective" => promise.objective = Some(value),
            "pyrra_window" => promise.period = seconds(value),
            _ => drop(available.insert(slo, value)),
        }
    }
    for (slo, promise) in &mut promises {
        let over = promise.period.zip(available.get(slo));
        promise.ratios.extend(over.map(|(period, available)| (period, 1.0 - available)));
    }
    promises.into_iter().collect()
}

/// The promise, the name and the value of each series that has all of them.
fn values<'a>(answer: &'a Answer, label: &'a str) -> impl Iterator<Item = (String, &'a str, f64)> {
    answer.series.iter().filter_map(move |(labels, values)| {
        let value = values.last().map(|(_, value)| *value).filter(|value| value.is_finite())?;
        Some((one_line(labels.get(label)?), labels.get("__name__")?, value))
    })
}

impl Promise {
    /// Takes in an error ratio over a window. Of several under one name the worst counts.
    fn hear(&mut self, window: Option<&str>, ratio: f64) {
        let Some(window) = window.and_then(length_millis).and_then(|millis| u32::try_from(millis / 1000).ok()) else { return };
        let known = self.ratios.entry(window).or_insert(ratio);
        *known = known.max(ratio);
    }

    /// What is left of its budget as a part of it, if that is known; it sorts last where it is not.
    fn left(&self, objective: f64, period: u32) -> f64 {
        self.ratios.get(&period).map_or(f64::INFINITY, |ratio| 1.0 - ratio / (1.0 - objective))
    }
}

/// The one with the least left of those of which it is known what is promised, and its error ratios.
fn worst(found: Vec<Named>) -> Option<(RecordedSlo, Ratios)> {
    let mut known: Vec<_> = found
        .into_iter()
        .filter_map(|(name, promise)| {
            let objective = promise.objective.filter(|objective| *objective > 0.0 && *objective < 1.0)?;
            let period = promise.period.filter(|period| *period > 0)?;
            (!promise.ratios.is_empty()).then(|| (promise.left(objective, period), name, objective, period, promise.ratios))
        })
        .collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    let count = known.len();
    let (_, name, objective, period, ratios) = known.into_iter().next()?;
    let source = if count > 1 { format!("{name}, the worst of {count}") } else { name };
    let ratios = ratios.into_iter().map(|(window, ratio)| (window, Some(ratio))).collect();
    Some((RecordedSlo { source: source.into(), objective, period }, ratios))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is no length of time becomes none of any use")]
fn seconds(length: f64) -> Option<u32> {
    (length >= 1.0 && length < f64::from(u32::MAX)).then_some(length as u32)
}

#[cfg(test)]
mod tests {
    use super::super::answer::Labels;
    use super::*;

    fn answer(series: &[(&[(&str, &str)], f64)]) -> Answer {
        let one = |(labels, value): &(&[(&str, &str)], f64)| {
            let labels: Labels = labels.iter().map(|(name, value)| (*name, *value)).collect();
            (labels, vec![(0.0, *value)])
        };
        Answer { series: series.iter().map(one).collect(), notes: Vec::new() }
    }

    #[test]
    fn of_several_promises_the_one_with_the_least_left_counts() {
        let month = 30 * 86_400;
        let of = |slo: &'static str, name: &'static str| vec![("__name__", name), ("sloth_slo", slo)];
        let all = ["slo:objective:ratio", "slo:time_period:days", "slo:sli_error:ratio_rate5m", "slo:sli_error:ratio_rate30d"];
        let labels: Vec<_> =
            ["latency", "errors", "unpromised"].into_iter().flat_map(|slo| all.map(|name| of(slo, name))).collect();
        let values = [0.99, 30.0, 0.5, 0.001, 0.999, 30.0, 0.002, 0.0005, f64::NAN, 30.0, 0.9, 0.9];
        let series: Vec<(&[_], f64)> = labels.iter().map(|labels| &**labels).zip(values).collect();
        let (slo, ratios) = worst(sloth(&answer(&series))).unwrap();
        assert_eq!((&*slo.source, slo.objective, slo.period), ("Sloth errors, the worst of 2", 0.999, month));
        assert_eq!(ratios, [(300, Some(0.002)), (month, Some(0.0005))]);
        assert!(worst(sloth(&answer(&[]))).is_none());
    }

    #[test]
    fn pyrra_needs_its_generic_rules_to_say_what_is_promised() {
        let ratios = answer(&[
            (&[("__name__", "http_requests:burnrate5m"), ("slo", "gateway-errors"), ("job", "gateway")], 0.02),
            (&[("__name__", "http_requests:burnrate1h"), ("slo", "gateway-errors"), ("job", "gateway")], 0.01),
        ]);
        assert!(worst(pyrra(&ratios, &answer(&[]))).is_none(), "without an objective nothing is said");
        let said = answer(&[
            (&[("__name__", "pyrra_objective"), ("slo", "gateway-errors")], 0.99),
            (&[("__name__", "pyrra_window"), ("slo", "gateway-errors")], 2_419_200.0),
            (&[("__name__", "pyrra_availability"), ("slo", "gateway-errors")], 0.996),
            (&[("__name__", "pyrra_objective"), ("slo", "another")], 0.5),
        ]);
        let (slo, ratios) = worst(pyrra(&ratios, &said)).unwrap();
        assert_eq!((&*slo.source, slo.objective, slo.period), ("Pyrra gateway-errors", 0.99, 2_419_200));
        assert_eq!((ratios[0], ratios[1]), ((300, Some(0.02)), (3_600, Some(0.01))));
        assert!(ratios[2].0 == 2_419_200 && (ratios[2].1.unwrap() - 0.004).abs() < 1e-9);
    }
}
