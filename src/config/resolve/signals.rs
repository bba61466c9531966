//! Signals: those of a preset, with what `[[signal]]` lays over them or adds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::{Pairs, Reader, given};
use crate::config::error::{nearest, quoted};
use crate::config::{Error, raw};
use crate::domain::signal::{
    Comparator, Expression, KNOWN, Limit, Origin, PRESETS, Query, Signal, SignalKind, Template, Unit, Variables, preset,
};

/// Longest that a query looks back.
pub(super) const LONGEST_WINDOW: Duration = Duration::from_hours(24 * 366);
/// Variables that a grouped query, which is asked once for all, can use.
const FLEET: [&str; 2] = ["window", "region"];

impl Reader<'_> {
    /// The signals of one environment. `own` are variables besides the known ones, each with a value that a service gives it.
    pub(super) fn signals(
        &self,
        chosen: Option<&Spanned<String>>,
        labels: [&str; 3],
        typed: &[raw::Signal],
        own: &Pairs,
    ) -> Result<Arc<[Signal]>, Error> {
        let mut signals = match chosen.filter(|chosen| !chosen.get_ref().is_empty()) {
            Some(chosen) => self.preset(chosen, labels)?,
            // Who writes signals and names no preset wants these and no others.
            None if typed.is_empty() && chosen.is_none() => preset("otel", labels).unwrap_or_default(),
            None => Vec::new(),
        };
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for one in typed {
            let (name, place) = (one.name.get_ref(), one.name.span());
            if let Some(line) = seen.insert(name, self.line(place.start)) {
                return Err(self.wrong(place, format!("two signals are called '{name}': the first is on line {line}.")));
            }
            let known = signals.iter().position(|signal| *signal.name == **name);
            let base = match &one.preset {
                Some(other) if !other.get_ref().is_empty() => {
                    let found = self.preset(other, labels)?.into_iter().find(|signal| *signal.name == **name);
                    Some(found.ok_or_else(|| {
                        let text = format!(
                            "the preset '{}' has no signal '{name}': it has 'p95', 'errors', 'saturation', 'traffic'.",
                            other.get_ref()
                        );
                        self.wrong(other.span(), text)
                    })?)
                }
                _ => known.and_then(|place| signals.get(place).cloned()),
            };
            let signal = self.signal(one, base.as_ref(), own)?;
            match known.and_then(|place| signals.get_mut(place)) {
                Some(older) => *older = signal,
                None => signals.push(signal),
            }
        }
        Ok(signals.into())
    }

    fn preset(&self, name: &Spanned<String>, labels: [&str; 3]) -> Result<Vec<Signal>, Error> {
        preset(name.get_ref(), labels).ok_or_else(|| {
            let typed = name.get_ref();
            let meant = nearest(typed, PRESETS).map_or(String::new(), |meant| format!(" Did you mean '{meant}'?"));
            self.wrong(name.span(), format!("'{typed}' is no preset.{meant} There are {}.", quoted(PRESETS)))
        })
    }

    fn signal(&self, typed: &raw::Signal, of_base: Option<&Signal>, own: &Pairs) -> Result<Signal, Error> {
        let place = typed.name.span();
        let name = typed.name.get_ref();
        if name.is_empty() || name.chars().any(|letter| letter.is_whitespace() || "<>=/{}\"'".contains(letter)) {
            return Err(self.wrong(place, "a signal needs a name without spaces, quotes, braces, '/' and '<', '>', '='."));
        }
        let kind = typed.kind.or(of_base.map(|base| base.kind)).unwrap_or_default();
        let asked = self.expression(typed, of_base, own)?;
        let fleet = self.fleet(typed, own)?.or_else(|| {
            // Another question is not answered by the preset's grouped one.
            of_base.filter(|base| base.expression == asked).and_then(|base| base.fleet.clone())
        });
        let limit = self.limit(typed, of_base)?;
        let judged = typed.threshold.is_some() || of_base.is_some_and(|base| base.gate);
        if let Some(gate) = typed.gate.as_ref().filter(|gate| *gate.get_ref() && !judged && of_base.is_none()) {
            return Err(self.wrong(gate.span(), format!("'{name}' cannot be a gate without a threshold.")));
        }
        let number = |typed: &Option<Spanned<f64>>, base: Option<f64>, most: f64, allowed: &str| match typed {
            None => Ok(base.unwrap_or(0.0)),
            Some(value) if (0.0..=most).contains(value.get_ref()) => Ok(*value.get_ref()),
            Some(value) => Err(self.wrong(value.span(), format!("this has to be {allowed}."))),
        };
        let unit = typed.unit.as_deref().map(Unit::read).or_else(|| of_base.map(|base| base.unit.clone()));
        let is_ratio = |one: &Expression| matches!(one, Expression::Ratio { .. });
        if unit == Some(Unit::Percent) && (is_ratio(&asked) || fleet.as_ref().is_some_and(is_ratio)) {
            let text =
                format!("'{name}' divides bad by total, a part of 1, and not percent: say unit = \"ratio\", and 0.01 for 1 %.");
            return Err(self.wrong(place, text));
        }
        let traffic = match given(typed.traffic.clone()) {
            Some(query) => Some(self.query(&query, own, None)?),
            None => of_base.and_then(|base| base.traffic.clone()),
        };
        Ok(Signal {
            name: Arc::from(name.as_str()),
            kind,
            unit: unit.unwrap_or_else(|| usual_unit(kind, &asked)),
            expression: asked,
            fleet,
            traffic,
            limit,
            window: self.window(typed.window.clone(), of_base.map_or(300, |base| base.window))?,
            per_track: typed.per_track.or(of_base.map(|base| base.per_track)).unwrap_or(true),
            gate: typed.gate.as_ref().map_or(judged, |gate| *gate.get_ref()),
            min_traffic: number(&typed.min_traffic, of_base.map(|base| base.min_traffic), f64::MAX, "0 or more")?,
            lasting: self.seconds(typed.lasting.clone(), of_base.map_or(0, |base| base.lasting), Duration::from_hours(24))?,
            hysteresis: number(&typed.hysteresis, of_base.map(|base| base.hysteresis), 1.0, "from 0 to 1")?,
            origin: of_base.map_or(Origin::Configuration, |base| base.origin.clone()),
        })
    }

    fn expression(&self, typed: &raw::Signal, base: Option<&Signal>, own: &Pairs) -> Result<Expression, Error> {
        let name = typed.name.get_ref();
        let (query, bad, total) = (given(typed.query.clone()), given(typed.bad.clone()), given(typed.total.clone()));
        if let (Some(query), true) = (&query, bad.is_some() || total.is_some()) {
            return Err(self.wrong(query.span(), format!("'{name}' is either a query, or bad and total: not both.")));
        }
        if let Some(query) = query {
            return self.query(&query, own, None).map(Expression::Value);
        }
        let of_base = match base.map(|base| &base.expression) {
            Some(Expression::Ratio { bad, total }) => Some((bad.clone(), total.clone())),
            _ => None,
        };
        match (bad, total, of_base, base) {
            (None, None, _, Some(base)) => Ok(base.expression.clone()),
            (None, None, _, None) => {
                let text = format!("'{name}' needs a query, or bad and total: no preset has a signal of this name.");
                Err(self.wrong(typed.name.span(), text))
            }
            (Some(bad), None, None, _) => {
                Err(self.wrong(bad.span(), format!("'{name}' has bad without total: a ratio needs both.")))
            }
            (None, Some(total), None, _) => {
                Err(self.wrong(total.span(), format!("'{name}' has total without bad: a ratio needs both.")))
            }
            (bad, total, of_base, _) => {
                let (base_bad, base_total) = of_base.unzip();
                let read = |one: Option<Spanned<String>>, base: Option<Template>| match (one, base) {
                    (Some(query), _) => self.query(&query, own, None),
                    (None, Some(base)) => Ok(base),
                    (None, None) => Err(self.wrong(typed.name.span(), format!("'{name}' needs bad and total: it is a ratio."))),
                };
                Ok(Expression::Ratio { bad: read(bad, base_bad)?, total: read(total, base_total)? })
            }
        }
    }

    fn fleet(&self, typed: &raw::Signal, own: &Pairs) -> Result<Option<Expression>, Error> {
        let name = typed.name.get_ref();
        let read = |query: &Spanned<String>| self.query(query, own, Some(&FLEET));
        match (given(typed.fleet_query.clone()), given(typed.fleet_bad.clone()), given(typed.fleet_total.clone())) {
            (None, None, None) => Ok(None),
            (Some(query), None, None) => read(&query).map(|query| Some(Expression::Value(query))),
            (None, Some(bad), Some(total)) => Ok(Some(Expression::Ratio { bad: read(&bad)?, total: read(&total)? })),
            (Some(query), ..) => {
                Err(self.wrong(query.span(), format!("'{name}' has either a fleet_query, or fleet_bad and fleet_total: not both.")))
            }
            (None, Some(one), None) | (None, None, Some(one)) => {
                Err(self.wrong(one.span(), format!("'{name}' needs fleet_bad and fleet_total together: a ratio needs both.")))
            }
        }
    }

    /// How far something looks back, in seconds.
    pub(super) fn window(&self, typed: Option<Spanned<String>>, default: u32) -> Result<u32, Error> {
        let place = typed.as_ref().map_or(0..0, Spanned::span);
        match self.seconds(typed, default, LONGEST_WINDOW)? {
            0 => Err(self.wrong(place, "a window has to be longer than nothing: it is like 5m.")),
            seconds => Ok(seconds),
        }
    }

    fn limit(&self, typed: &raw::Signal, base: Option<&Signal>) -> Result<Limit, Error> {
        let always = Limit { comparator: Comparator::AtLeast, threshold: 0.0 };
        let base = base.map(|base| base.limit);
        let comparator = match given(typed.comparator.clone()) {
            Some(sign) => Some(Comparator::read(sign.get_ref().trim()).ok_or_else(|| {
                let signs = Comparator::ALL.map(Comparator::sign);
                self.wrong(sign.span(), format!("'{}' compares nothing: there are {}.", sign.get_ref(), quoted(signs)))
            })?),
            None => None,
        };
        let Some(threshold) = typed.threshold else {
            let base = base.unwrap_or(always);
            return Ok(Limit { comparator: comparator.unwrap_or(base.comparator), ..base });
        };
        if !threshold.is_finite() {
            return Err(self.wrong(typed.name.span(), format!("the threshold of '{}' has to be a number.", typed.name.get_ref())));
        }
        let of_base = base.filter(|base| *base != always).map(|base| base.comparator);
        Ok(Limit { comparator: comparator.or(of_base).unwrap_or(Comparator::Less), threshold })
    }

    /// A query whose variables are known and which is PromQL. `only` are the variables that it can use, if not all.
    pub(super) fn query(&self, typed: &Spanned<String>, own: &Pairs, only: Option<&[&str]>) -> Result<Template, Error> {
        let names: Vec<&str> = own.keys().map(String::as_str).collect();
        let text = typed.get_ref();
        let template = Template::read(text, &names).map_err(|error| self.wrong(typed.span(), format!("{error}.")))?;
        if let Some(only) = only
            && let Some(other) = KNOWN.iter().chain(&names).find(|name| template.uses(name) && !only.contains(name))
        {
            let text = format!("a grouped query is asked once for all rollouts: {{{{{other}}}}} stands for nothing there.");
            return Err(self.wrong(typed.span(), text));
        }
        let sample = |variables: Variables, name: &str| {
            let value = own.get(name).map_or(if name == "window" { "5m" } else { "x" }, String::as_str);
            variables.with(name, value)
        };
        let variables = KNOWN.iter().chain(&names).fold(Variables::default(), |variables, name| sample(variables, name));
        let filled = template.fill(&variables).map_err(|error| self.wrong(typed.span(), format!("{error}.")))?;
        match Query::read(&filled) {
            Ok(_) => Ok(template),
            Err(error) => Err(self.wrong(typed.span(), format!("this is no query: {error}."))),
        }
    }
}

fn usual_unit(kind: SignalKind, expression: &Expression) -> Unit {
    match (kind, expression) {
        (_, Expression::Ratio { .. }) | (SignalKind::Errors | SignalKind::Saturation, _) => Unit::Ratio,
        (SignalKind::Latency, _) => Unit::Seconds,
        (SignalKind::Traffic, _) => Unit::PerSecond,
        (SignalKind::Other, _) => Unit::Plain,
    }
}
