//! Aggregations: many samples become one for each group, or the best of each.

use std::collections::HashMap;

use promql_parser::parser::LabelModifier;

use super::labels::Labels;
use super::number::{Mean, Spread, quantile, rank, written};
use super::{Error, Sample};

/// What comes with an aggregation in parentheses.
#[derive(Clone, Debug)]
pub enum Parameter {
    /// Nothing.
    None,
    /// How many, or which quantile.
    Number(f64),
    /// The label that takes the values.
    Label(String),
}

/// Aggregates samples.
///
/// # Errors
/// When the aggregation is not among the supported, or its parameter makes no sense.
pub fn aggregate(name: &str, by: Option<&LabelModifier>, parameter: &Parameter, samples: &[Sample]) -> Result<Vec<Sample>, Error> {
    let one = |worked_out: fn(&[f64]) -> f64| {
        let groups = grouped(by, samples.iter().map(|sample| (&sample.labels, sample.value)));
        Ok(groups.into_iter().map(|(labels, values)| Sample { labels, value: worked_out(&values) }).collect())
    };
    match (name, parameter) {
        ("sum", _) => one(|values| values.iter().fold(0.0, |sum, value| sum + value)),
        ("avg", _) => one(mean),
        ("min", _) => one(|values| extreme(values, |new, old| new < old)),
        ("max", _) => one(|values| extreme(values, |new, old| new > old)),
        ("count", _) => one(|values| values.iter().fold(0.0, |count, _| count + 1.0)),
        ("group", _) => one(|_| 1.0),
        ("stdvar", _) => one(variance),
        ("stddev", _) => one(|values| variance(values).sqrt()),
        ("quantile", Parameter::Number(q)) => {
            let groups = grouped(by, samples.iter().map(|sample| (&sample.labels, sample.value)));
            Ok(groups.into_iter().map(|(labels, values)| Sample { labels, value: quantile(*q, values) }).collect())
        }
        ("topk" | "bottomk", Parameter::Number(count)) => best(by, *count, name == "topk", samples),
        ("count_values", Parameter::Label(label)) => Ok(count_values(by, label, samples)),
        _ => Err(Error::Execution(format!("the aggregation {name} is not supported here"))),
    }
}

/// The labels of a sample's group.
fn group_of(by: Option<&LabelModifier>, labels: &Labels) -> Labels {
    match by {
        None => Labels::default(),
        Some(LabelModifier::Include(names)) => labels.only(&names.labels),
        Some(LabelModifier::Exclude(names)) => labels.without(&names.labels),
    }
}

/// Groups in the order in which they first come, each with its members in theirs.
fn grouped<'a, T>(by: Option<&LabelModifier>, members: impl Iterator<Item = (&'a Labels, T)>) -> Vec<(Labels, Vec<T>)> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut groups: Vec<(Labels, Vec<T>)> = Vec::new();
    for (labels, member) in members {
        let group = group_of(by, labels);
        let place = *places.entry(group).or_insert_with_key(|group| {
            groups.push((group.clone(), Vec::new()));
            groups.len() - 1
        });
        if let Some((_, known)) = groups.get_mut(place) {
            known.push(member);
        }
    }
    groups
}

fn mean(values: &[f64]) -> f64 {
    let mut mean = Mean::default();
    for value in values {
        mean.add(*value);
    }
    mean.value()
}

fn variance(values: &[f64]) -> f64 {
    let Some((first, rest)) = values.split_first() else { return f64::NAN };
    let mut spread = Spread::of_one(*first);
    for value in rest {
        spread.add(*value);
    }
    spread.variance()
}

fn extreme(values: &[f64], better: impl Fn(f64, f64) -> bool) -> f64 {
    values.iter().copied().reduce(|old, new| if better(new, old) || old.is_nan() { new } else { old }).unwrap_or(f64::NAN)
}

/// The greatest or the least of each group, best first, with their own labels.
fn best(by: Option<&LabelModifier>, count: f64, greatest: bool, samples: &[Sample]) -> Result<Vec<Sample>, Error> {
    if !(-9.2e18..=9.2e18).contains(&count) {
        return Err(Error::Execution(format!("Scalar value {} overflows int64", written(count))));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within bounds, and more than there are is all")]
    let count = count.max(0.0) as usize;
    let groups = grouped(by, samples.iter().map(|sample| (&sample.labels, sample.clone())));
    let kept = groups.into_iter().flat_map(|(_, mut members)| {
        members.sort_by(|a, b| {
            let (a, b) = (a.value, b.value);
            let ranked = if greatest { rank(b, a) } else { rank(a, b) };
            // What is no number is the last choice of both.
            if a.is_nan() == b.is_nan() { ranked } else { a.is_nan().cmp(&b.is_nan()) }
        });
        members.truncate(count);
        members
    });
    Ok(kept.collect())
}

fn count_values(by: Option<&LabelModifier>, label: &str, samples: &[Sample]) -> Vec<Sample> {
    let labelled: Vec<Sample> = samples
        .iter()
        .map(|sample| Sample { labels: group_of(by, &sample.labels).with(label, &written(sample.value)), value: 1.0 })
        .collect();
    let by = LabelModifier::Exclude(promql_parser::label::Labels::new(Vec::new()));
    let groups = grouped(Some(&by), labelled.iter().map(|sample| (&sample.labels, sample.value)));
    groups.into_iter().map(|(labels, ones)| Sample { labels, value: ones.iter().sum() }).collect()
}
