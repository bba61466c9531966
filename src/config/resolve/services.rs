//! What is said of services beyond their queries: particulars, promises, guards, links, freezes.

use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use toml::Spanned;

use super::signals::LONGEST_WINDOW;
use super::{Pairs, Reader, given};
use crate::config::error::{nearest, quoted};
use crate::config::metrics::{Freeze, Guard, Links, Service, When};
use crate::config::{Environment, Error, raw, values};
use crate::domain::signal::{Signal, Unit};
use crate::domain::slo::{BurnAlert, Slo};

/// Longest time before a guard acts.
const PATIENCE: Duration = Duration::from_hours(24);

impl Reader<'_> {
    pub(super) fn services(
        &self,
        typed: Vec<raw::Service>,
        environments: &[Environment],
        signals: &[Signal],
        own: &Pairs,
    ) -> Result<Vec<Service>, Error> {
        typed.into_iter().map(|one| self.service(one, environments, signals, own)).collect()
    }

    fn service(
        &self,
        typed: raw::Service,
        environments: &[Environment],
        signals: &[Signal],
        own: &Pairs,
    ) -> Result<Service, Error> {
        if typed.name.get_ref().is_empty() {
            return Err(self.wrong(typed.name.span(), "a service needs the name of a rollout; '*' stands for anything."));
        }
        let environment = match given(typed.environment) {
            Some(name) => Some(self.environment_name(&name, name.get_ref(), environments)?),
            None => None,
        };
        let values_file = typed.values_file.filter(|path| !path.get_ref().as_os_str().is_empty());
        let checks = match &values_file {
            Some(path) => self.checks(path, own)?,
            None => Vec::new(),
        };
        if let Some(chosen) = &typed.signals {
            let known = || signals.iter().chain(&checks).map(|signal| &*signal.name);
            if let Some(unknown) = chosen.get_ref().iter().find(|name| !known().any(|known| known == name.as_str())) {
                let meant = nearest(unknown, known()).map_or(String::new(), |meant| format!(" Did you mean '{meant}'?"));
                let there = match known().next() {
                    Some(_) => format!("There are {}.", quoted(known())),
                    None => "None is configured: say preset in [prometheus], or [[signal]].".to_owned(),
                };
                return Err(self.wrong(chosen.span(), format!("there is no signal '{unknown}'.{meant} {there}")));
            }
        }
        Ok(Service {
            name: typed.name.into_inner(),
            namespace: typed.namespace.filter(|name| !name.is_empty()),
            environment,
            query_name: typed.query_name.filter(|name| !name.is_empty()),
            variables: typed.variables.map(Spanned::into_inner).unwrap_or_default(),
            signals: typed.signals.map(Spanned::into_inner),
            values_file: values_file.map(|path| self.expand(path.get_ref())),
            checks: checks.into(),
            grafana: typed.grafana.filter(|url| !url.is_empty()),
            runbook: typed.runbook.filter(|url| !url.is_empty()),
        })
    }

    fn checks(&self, path: &Spanned<PathBuf>, own: &Pairs) -> Result<Vec<Signal>, Error> {
        let file = self.expand(path.get_ref());
        let wrong = |text: String| self.wrong(path.span(), format!("{}: {text}.", file.display()));
        let text = std::fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
        let names: Vec<&str> = own.keys().map(String::as_str).collect();
        values::checks(&text, &file.display().to_string(), &names).map_err(wrong)
    }

    fn environment_name(&self, place: &Spanned<impl Sized>, name: &str, environments: &[Environment]) -> Result<String, Error> {
        let names = || environments.iter().map(|environment| environment.name.as_str());
        if names().any(|known| known == name) {
            return Ok(name.to_owned());
        }
        let meant = nearest(name, names()).map_or(String::new(), |meant| format!(" Did you mean '{meant}'?"));
        Err(self.wrong(place.span(), format!("no environment is called '{name}'.{meant} There are {}.", quoted(names()))))
    }

    pub(super) fn slo(&self, typed: Option<raw::Slo>, own: &Pairs) -> Result<Option<Slo>, Error> {
        let Some(typed) = typed else { return Ok(None) };
        let objective = *typed.objective.get_ref();
        if !(objective > 0.0 && objective < 1.0) {
            let text = format!(
                "an objective is a part above 0 and below 1, such as 0.999; {objective} leaves nothing that may fail, or nothing to keep."
            );
            return Err(self.wrong(typed.objective.span(), text));
        }
        let period = self.window(typed.window, 30 * 86_400)?;
        let error_ratio = match given(typed.error_ratio) {
            Some(query) => {
                let template = self.query(&query, own, None)?;
                if !template.uses("window") {
                    return Err(self
                        .wrong(query.span(), "this is asked over several times: it needs {{window}}, as in rate(x[{{window}}])."));
                }
                Some(template)
            }
            None => None,
        };
        let alerts = match typed.alerts {
            None => BurnAlert::usual(period),
            Some(typed) => typed.into_iter().map(|one| self.burn_alert(one, period)).collect::<Result<_, _>>()?,
        };
        Ok(Some(Slo { objective, period, error_ratio, alerts: alerts.into() }))
    }

    fn burn_alert(&self, typed: raw::BurnAlert, period: u32) -> Result<BurnAlert, Error> {
        let (long_place, short_place, burn_place) = (typed.long.span(), typed.short.span(), typed.burn.span());
        let long = self.seconds(Some(typed.long), 0, LONGEST_WINDOW)?;
        let short = self.seconds(Some(typed.short), 0, LONGEST_WINDOW)?;
        let burn = typed.burn.into_inner();
        if long == 0 || long > period {
            return Err(self.wrong(long_place, "the long window has to be longer than nothing and no longer than the objective's."));
        }
        if short == 0 || short >= long {
            return Err(self.wrong(short_place, "the short window has to be shorter than the long one."));
        }
        if !(burn > 0.0 && burn.is_finite()) {
            return Err(self.wrong(burn_place, "burn has to be above 0: 1 uses the budget up exactly at the end of its time."));
        }
        Ok(BurnAlert { long, short, burn })
    }

    pub(super) fn guard(&self, typed: raw::Guard, signals: &[Signal]) -> Result<Guard, Error> {
        let default = Guard::default();
        let saturation = typed.saturation.filter(|name| !name.is_empty()).unwrap_or(default.saturation);
        let in_percent = signals.iter().any(|signal| *signal.name == *saturation && signal.unit == Unit::Percent);
        let saturation_limit = match typed.saturation_limit {
            None => default.saturation_limit * if in_percent { 100.0 } else { 1.0 },
            Some(limit) if limit.get_ref().is_finite() && *limit.get_ref() > 0.0 => limit.into_inner(),
            Some(limit) => return Err(self.wrong(limit.span(), "this has to be above 0: it is a value of the saturation signal.")),
        };
        let length = |typed: Option<Spanned<String>>, default: SignedDuration, least: u64| {
            if typed.as_ref().is_none_or(|typed| typed.get_ref().is_empty()) {
                return Ok(default);
            }
            self.length(typed, "", Duration::from_secs(least), PATIENCE)
        };
        let places = (typed.hold_after.as_ref().map(Spanned::span), typed.breach_after.as_ref().map(Spanned::span));
        let guard = Guard {
            hold_after: length(typed.hold_after, default.hold_after, 0)?,
            breach_after: length(typed.breach_after, default.breach_after, 1)?,
            saturation_after: length(typed.saturation_after, default.saturation_after, 1)?,
            saturation,
            saturation_limit,
            countdown: length(typed.countdown, default.countdown, 0)?,
            lease: length(typed.lease, default.lease, 3)?,
            robots: typed.robots.unwrap_or_default(),
        };
        if guard.hold_after > guard.breach_after {
            let place = places.0.or(places.1).unwrap_or(0..0);
            return Err(self.wrong(place, "hold_after comes after breach_after: a canary is held before it is aborted, not after."));
        }
        Ok(guard)
    }

    pub(super) fn links(&self, typed: raw::Links) -> Result<Links, Error> {
        let grafana = given(typed.grafana).map(|url| self.url(&url)).transpose()?;
        let dashboard = match given(typed.dashboard) {
            Some(path) if !path.get_ref().starts_with('/') => {
                return Err(self.wrong(path.span(), "a dashboard is a path in Grafana, such as /d/UID/NAME."));
            }
            path => path.map(Spanned::into_inner),
        };
        let token = self.secret(typed.grafana_token_env, typed.grafana_token_file, typed.grafana_token_command)?;
        let datasource = typed.datasource.filter(|uid| !uid.is_empty());
        Ok(Links { grafana, dashboard, datasource, token })
    }

    pub(super) fn freezes(&self, typed: Vec<raw::Freeze>, environments: &[Environment]) -> Result<Vec<Freeze>, Error> {
        typed.into_iter().map(|one| self.freeze(one, environments)).collect()
    }

    fn freeze(&self, typed: raw::Freeze, environments: &[Environment]) -> Result<Freeze, Error> {
        let place = typed.name.span();
        let name = typed.name.into_inner();
        if name.trim().is_empty() {
            return Err(self.wrong(place, "a freeze needs a name."));
        }
        let (Some(from), Some(until)) = (given(typed.from), given(typed.until)) else {
            return Err(
                self.wrong(place, format!("the freeze '{name}' needs from and until: without an end nothing would ever start."))
            );
        };
        let days = typed.days.filter(|days| !days.get_ref().is_empty());
        let zone = given(typed.zone);
        let when = match days {
            None => {
                if let Some(zone) = zone {
                    return Err(self.wrong(zone.span(), "a zone belongs to days; a moment says its own offset."));
                }
                let (begin, end) = (self.moment(&from)?, self.moment(&until)?);
                if end <= begin {
                    return Err(self.wrong(until.span(), format!("the freeze '{name}' ends before it begins.")));
                }
                When::Between(begin, end)
            }
            Some(days) => When::Weekly {
                days: days.get_ref().iter().map(|day| self.weekday(&days, day)).collect::<Result<_, _>>()?,
                from: self.time(&from)?,
                until: self.time(&until)?,
                zone: self.zone(zone)?,
            },
        };
        let environments = match typed.environments {
            None => Vec::new(),
            Some(names) => {
                let all = names.get_ref().iter().map(|name| self.environment_name(&names, name, environments));
                all.collect::<Result<_, _>>()?
            }
        };
        Ok(Freeze { name, when, environments })
    }

    fn moment(&self, typed: &Spanned<String>) -> Result<Timestamp, Error> {
        typed.get_ref().parse().map_err(|_| {
            let text =
                format!("'{}' is no moment: it is like 2026-12-24T00:00:00+01:00. For every week say days.", typed.get_ref());
            self.wrong(typed.span(), text)
        })
    }

    fn time(&self, typed: &Spanned<String>) -> Result<Time, Error> {
        let wrong = || self.wrong(typed.span(), format!("'{}' is no time of the day: it is like 17:00.", typed.get_ref()));
        let (hour, minute) = typed.get_ref().split_once(':').ok_or_else(wrong)?;
        let number = |text: &str| (text.len() == 2).then(|| text.parse::<i8>().ok()).flatten();
        let (hour, minute) = number(hour).zip(number(minute)).ok_or_else(wrong)?;
        Time::new(hour, minute, 0, 0).map_err(|_| wrong())
    }

    fn weekday(&self, place: &Spanned<Vec<String>>, typed: &str) -> Result<Weekday, Error> {
        const DAYS: [(&str, &str, Weekday); 7] = [
            ("mon", "monday", Weekday::Monday),
            ("tue", "tuesday", Weekday::Tuesday),
            ("wed", "wednesday", Weekday::Wednesday),
            ("thu", "thursday", Weekday::Thursday),
            ("fri", "friday", Weekday::Friday),
            ("sat", "saturday", Weekday::Saturday),
            ("sun", "sunday", Weekday::Sunday),
        ];
        let lower = typed.to_ascii_lowercase();
        let found = DAYS.iter().find(|(short, long, _)| lower == *short || lower == *long).map(|(.., day)| *day);
        found.ok_or_else(|| {
            let text = format!("'{typed}' is no day: there are {}.", quoted(DAYS.map(|(short, ..)| short)));
            self.wrong(place.span(), text)
        })
    }

    fn zone(&self, typed: Option<Spanned<String>>) -> Result<TimeZone, Error> {
        let Some(typed) = typed else { return Ok(TimeZone::system()) };
        TimeZone::get(typed.get_ref()).map_err(|_| {
            let text = format!("the zone '{}' is unknown here: it is like Europe/Berlin or UTC.", typed.get_ref());
            self.wrong(typed.span(), text)
        })
    }
}
