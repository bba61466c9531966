//! When nothing is to be started, and until when that lasts. A freeze is about beginning a release: it never holds up a way back.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::Settings;
use super::metrics::{Freeze, When};

/// Windows that follow each other without a gap are one; after so many nobody looks further.
const FURTHEST: usize = 16;

impl Freeze {
    /// Whether it is about an environment.
    pub fn is_about(&self, environment: &str) -> bool {
        self.environments.is_empty() || self.environments.iter().any(|name| name == environment)
    }

    /// Until when it holds in an environment, if it does at this moment.
    pub fn until(&self, environment: &str, now: Timestamp) -> Option<Timestamp> {
        let mut until = self.when.end(now).filter(|_| self.is_about(environment))?;
        for _ in 0..FURTHEST {
            match self.when.end(until) {
                Some(later) if later > until => until = later,
                _ => break,
            }
        }
        Some(until)
    }
}

impl Settings {
    /// The freezes that hold in an environment at this moment, each with its end; the one that lasts longest first.
    pub fn frozen(&self, environment: &str, now: Timestamp) -> Vec<(&str, Timestamp)> {
        let mut frozen: Vec<(&str, Timestamp)> =
            self.freezes.iter().filter_map(|freeze| Some((&*freeze.name, freeze.until(environment, now)?))).collect();
        frozen.sort_by_key(|(_, until)| std::cmp::Reverse(*until));
        frozen
    }
}

impl When {
    /// The end of the window in which a moment lies; None if it lies in none. The first moment belongs to it, the last one does not.
    fn end(&self, moment: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Between(from, until) => (*from <= moment && moment < *until).then_some(*until),
            Self::Weekly { days, from, until, zone } => {
                let today = zone.to_datetime(moment).date();
                // One that began yesterday may still be open.
                let begins = [today.yesterday().ok(), Some(today)].into_iter().flatten();
                let ends = begins.filter(|day| days.contains(&day.weekday())).filter_map(|day| {
                    let last = if until > from { day } else { day.checked_add(1.day()).ok()? };
                    let (begin, end) = (at(zone, day.to_datetime(*from))?, at(zone, last.to_datetime(*until))?);
                    (begin <= moment && moment < end).then_some(end)
                });
                ends.max()
            }
        }
    }
}

/// A time of a zone's clocks; one that they leave out in spring is as much later, one that they show twice in autumn is the first.
fn at(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    zone.to_ambiguous_zoned(time).compatible().ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Weekday, time};

    use super::*;

    fn berlin(days: &[Weekday], from: (i8, i8), until: (i8, i8)) -> Freeze {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let when =
            When::Weekly { days: days.to_vec(), from: time(from.0, from.1, 0, 0), until: time(until.0, until.1, 0, 0), zone };
        Freeze { name: "weekend".into(), when, environments: vec!["prod".into()] }
    }

    fn until(freeze: &Freeze, now: &str) -> Option<String> {
        freeze.until("prod", now.parse().unwrap()).map(|until| until.to_string())
    }

    #[test]
    fn a_night_goes_over_midnight_by_the_clocks_of_its_zone() {
        // 2026-03-06 is a Friday; Berlin is an hour ahead of UTC in winter.
        let nights = berlin(&[Weekday::Friday], (17, 0), (8, 0));
        assert_eq!(until(&nights, "2026-03-06T15:59:59Z"), None);
        assert_eq!(until(&nights, "2026-03-06T16:00:00Z").as_deref(), Some("2026-03-07T07:00:00Z"));
        assert_eq!(until(&nights, "2026-03-07T06:59:59Z").as_deref(), Some("2026-03-07T07:00:00Z"));
        assert_eq!(until(&nights, "2026-03-07T07:00:00Z"), None);
        assert_eq!(nights.until("stage", "2026-03-06T20:00:00Z".parse().unwrap()), None, "another environment");
        let everywhere = Freeze { environments: Vec::new(), ..nights };
        assert!(everywhere.until("stage", "2026-03-06T20:00:00Z".parse().unwrap()).is_some());
    }

    #[test]
    fn whole_days_that_follow_each_other_are_one_freeze() {
        let weekend = berlin(&[Weekday::Saturday, Weekday::Sunday], (0, 0), (0, 0));
        assert_eq!(until(&weekend, "2026-03-07T12:00:00Z").as_deref(), Some("2026-03-08T23:00:00Z"), "until Monday");
        assert_eq!(until(&weekend, "2026-03-06T22:59:59Z"), None);
        let always: Vec<Weekday> = Weekday::Monday.cycle_forward().take(7).collect();
        assert!(until(&berlin(&always, (0, 0), (0, 0)), "2026-03-04T12:00:00Z").is_some());
        let noon = berlin(&[Weekday::Wednesday], (12, 0), (13, 0));
        assert_eq!(until(&noon, "2026-03-04T11:30:00Z").as_deref(), Some("2026-03-04T12:00:00Z"));
    }

    #[test]
    fn summer_time_moves_the_end_and_not_the_clock() {
        // On 2026-03-29 Berlin's clocks go from 2:00 to 3:00.
        let night = berlin(&[Weekday::Saturday], (22, 0), (6, 0));
        assert_eq!(until(&night, "2026-03-28T21:00:00Z").as_deref(), Some("2026-03-29T04:00:00Z"));
        let skipped = berlin(&[Weekday::Sunday], (2, 30), (5, 0));
        assert_eq!(until(&skipped, "2026-03-29T00:59:59Z"), None);
        assert_eq!(until(&skipped, "2026-03-29T01:30:00Z").as_deref(), Some("2026-03-29T03:00:00Z"));
    }

    #[test]
    fn once_is_from_a_moment_to_another() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let when = When::Between(at("2026-12-23T12:00:00Z"), at("2027-01-02T08:00:00Z"));
        let freeze = Freeze { name: "year end".into(), when, environments: Vec::new() };
        let settings = Settings { freezes: vec![freeze], ..Settings::default() };
        assert_eq!(settings.frozen("prod", at("2026-12-24T00:00:00Z")), [("year end", at("2027-01-02T08:00:00Z"))]);
        assert_eq!(settings.frozen("prod", at("2026-12-23T11:59:59Z")), []);
    }
}
