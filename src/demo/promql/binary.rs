//! Operators between two sides: arithmetic, comparisons, and the set operators, with the matching of labels that says which
//! sample meets which.

use std::collections::{HashMap, HashSet};

use promql_parser::parser::{BinModifier, LabelModifier, VectorMatchCardinality};

use super::labels::{Labels, NAME};
use super::{Error, Sample};

/// How the two sides meet.
#[derive(Clone, Copy)]
pub struct Operator<'a> {
    /// As it is written: `+`, `>=`, `unless`.
    pub sign: &'a str,
    /// The words behind it.
    pub modifier: Option<&'a BinModifier>,
}

impl Operator<'_> {
    /// It keeps what fits, or says 0 or 1.
    fn compares(self) -> bool {
        matches!(self.sign, "==" | "!=" | ">" | "<" | ">=" | "<=")
    }

    fn says_whether(self) -> bool {
        self.modifier.is_some_and(|modifier| modifier.return_bool)
    }

    fn drops_name(self) -> bool {
        !self.compares() || self.says_whether()
    }

    /// The value of two numbers; a comparison says the left one if it holds, and none otherwise.
    fn of(self, left: f64, right: f64) -> Result<Option<f64>, Error> {
        #[expect(clippy::float_cmp, reason = "that is what the query asks for")]
        let value = match self.sign {
            "+" => left + right,
            "-" => left - right,
            "*" => left * right,
            "/" => left / right,
            "%" => left % right,
            "^" => left.powf(right),
            "==" => return Ok((left == right).then_some(left)),
            "!=" => return Ok((left != right).then_some(left)),
            ">" => return Ok((left > right).then_some(left)),
            "<" => return Ok((left < right).then_some(left)),
            ">=" => return Ok((left >= right).then_some(left)),
            "<=" => return Ok((left <= right).then_some(left)),
            sign => return Err(Error::Execution(format!("the operator {sign} is not supported here"))),
        };
        Ok(Some(value))
    }

    fn truth_or(self, value: Option<f64>) -> Option<f64> {
        if self.says_whether() { Some(if value.is_some() { 1.0 } else { 0.0 }) } else { value }
    }

    /// Two numbers.
    pub fn numbers(self, left: f64, right: f64) -> Result<f64, Error> {
        let value = self.of(left, right)?;
        Ok(if self.compares() { f64::from(u8::from(value.is_some())) } else { value.unwrap_or(f64::NAN) })
    }

    /// Samples and a number; `swapped` if the number is on the left.
    pub fn with_number(self, samples: Vec<Sample>, number: f64, swapped: bool) -> Result<Vec<Sample>, Error> {
        self.of(0.0, 0.0)?;
        let mut kept = Vec::with_capacity(samples.len());
        for sample in samples {
            let (left, right) = if swapped { (number, sample.value) } else { (sample.value, number) };
            let value = self.of(left, right)?;
            // What is kept is the sample, on whichever side it is.
            let value = if self.compares() { value.map(|_| sample.value) } else { value };
            let labels = if self.drops_name() { sample.labels.nameless() } else { sample.labels };
            kept.extend(self.truth_or(value).map(|value| Sample { labels, value }));
        }
        Ok(kept)
    }

    /// Samples on both sides.
    pub fn samples(self, left: Vec<Sample>, right: Vec<Sample>) -> Result<Vec<Sample>, Error> {
        if self.modifier.is_some_and(|modifier| modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some()) {
            return Err(Error::Execution("the modifier fill is not supported here".to_owned()));
        }
        match self.sign {
            "and" | "unless" => {
                let known: HashSet<Labels> = right.iter().map(|sample| self.match_of(&sample.labels)).collect();
                let wanted = self.sign == "and";
                Ok(left.into_iter().filter(|sample| known.contains(&self.match_of(&sample.labels)) == wanted).collect())
            }
            "or" => {
                let known: HashSet<Labels> = left.iter().map(|sample| self.match_of(&sample.labels)).collect();
                let more = right.into_iter().filter(|sample| !known.contains(&self.match_of(&sample.labels)));
                Ok(left.into_iter().chain(more).collect())
            }
            _ => self.matched(left, right),
        }
    }

    /// What has to be equal for two samples to meet.
    fn match_of(self, labels: &Labels) -> Labels {
        match self.modifier.and_then(|modifier| modifier.matching.as_ref()) {
            None => labels.nameless(),
            Some(LabelModifier::Include(names)) => labels.only(&names.labels),
            Some(LabelModifier::Exclude(names)) => labels.without(&names.labels),
        }
    }

    fn matched(self, left: Vec<Sample>, right: Vec<Sample>) -> Result<Vec<Sample>, Error> {
        // An operator that is not known is refused although nothing meets.
        self.of(0.0, 0.0)?;
        if left.is_empty() || right.is_empty() {
            return Ok(Vec::new());
        }
        let card = self.modifier.map_or(&VectorMatchCardinality::OneToOne, |modifier| &modifier.card);
        let swapped = matches!(card, VectorMatchCardinality::OneToMany(_));
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let mut ones: HashMap<Labels, &Sample> = HashMap::new();
        for sample in &one {
            if ones.insert(self.match_of(&sample.labels), sample).is_some() {
                let side = if swapped { "left" } else { "right" };
                return Err(Error::Execution(format!(
                    "found duplicate series for the match group on the {side} hand-side of the operation;many-to-many matching \
                     not allowed: matching labels must be unique on one side"
                )));
            }
        }
        let mut seen: HashSet<(Labels, Option<Labels>)> = HashSet::new();
        let mut kept = Vec::new();
        for sample in &many {
            let group = self.match_of(&sample.labels);
            let Some(other) = ones.get(&group) else { continue };
            let (left, right) = if swapped { (other.value, sample.value) } else { (sample.value, other.value) };
            let Some(value) = self.truth_or(self.of(left, right)?) else { continue };
            let labels = self.labels_of(&sample.labels, &other.labels, card);
            let alone = *card == VectorMatchCardinality::OneToOne;
            if !seen.insert((group, (!alone).then(|| labels.clone()))) {
                let why = if alone {
                    "many-to-one matching must be explicit (group_left/group_right)"
                } else {
                    "grouping labels must ensure unique matches"
                };
                return Err(Error::Execution(format!("multiple matches for labels: {why}")));
            }
            kept.push(Sample { labels, value });
        }
        Ok(kept)
    }

    /// The labels of the sample that two others become.
    fn labels_of(self, many: &Labels, one: &Labels, card: &VectorMatchCardinality) -> Labels {
        let mut labels = if self.compares() { many.clone() } else { many.nameless() };
        if *card == VectorMatchCardinality::OneToOne {
            match self.modifier.and_then(|modifier| modifier.matching.as_ref()) {
                None => {}
                Some(LabelModifier::Include(names)) => labels = labels.only(&names.labels),
                Some(LabelModifier::Exclude(names)) => {
                    let name = labels.get(NAME).to_owned();
                    labels = labels.without(&names.labels);
                    if !name.is_empty() && !names.labels.iter().any(|known| known == NAME) {
                        labels = labels.with(NAME, &name);
                    }
                }
            }
        }
        for name in card.labels().into_iter().flat_map(|names| &names.labels) {
            labels = labels.with(name, one.get(name));
        }
        if self.says_whether() { labels.nameless() } else { labels }
    }
}
