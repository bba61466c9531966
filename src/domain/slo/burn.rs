//! How fast a budget of failures burns, what is left of it, and what the next weight would make of that. Formulas: "Alerting on SLOs" of
//! Google's Site Reliability Workbook (2018), chapter 5.

use super::{BurnAlert, BurnReading, RecordedSlo, Slo};
use crate::domain::duration::age;

/// Rows of that chapter: seconds of the long and of the short window, and the part of the budget that burns within the long one.
const ALERTS: [(u32, u32, f64); 3] = [(3_600, 300, 0.02), (21_600, 1_800, 0.05), (259_200, 21_600, 0.10)];
/// Seconds of the window whose burn rate is taken for the present one.
const PRESENT: u32 = 3_600;

impl BurnAlert {
    /// The usual alerts for a period in seconds: `part * period / long`. For 30 days these are 14.4, 6 and 1 times.
    pub fn usual(period: u32) -> Vec<Self> {
        let alert = |(long, short, part): (u32, u32, f64)| Self { long, short, burn: part * f64::from(period) / f64::from(long) };
        ALERTS.into_iter().filter(|(long, ..)| *long <= period).map(alert).collect()
    }
}

/// What a reading says of a promise.
#[derive(Clone, Debug, PartialEq)]
pub struct Burn {
    /// Each window that was asked for, shortest first.
    pub windows: Vec<BurnWindow>,
    /// Each alert of the promise, and whether both of its windows are above it; None where one of them is unknown.
    pub alerts: Vec<(BurnAlert, Option<bool>)>,
    /// What is left of the budget as a part of it; below 0 it is overdrawn. None if the whole period's error ratio is unknown.
    pub left: Option<f64>,
    /// Seconds that this is really counted over: less than the period where the server forgets sooner.
    pub over: u32,
    /// When it will be used up if it burns on as it does.
    pub exhausted: Exhausted,
    /// Whose rules promise it; None if the configuration does.
    pub recorded: Option<RecordedSlo>,
}

/// An error ratio and the burn rate that it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BurnWindow {
    /// Seconds that were asked for.
    pub seconds: u32,
    /// Seconds that the server still has of it.
    pub real: u32,
    /// Part of the requests that failed; None where there was no traffic, or no answer.
    pub ratio: Option<f64>,
    /// Times the rate at which the budget would last exactly for the period.
    pub rate: Option<f64>,
}

/// When a budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// Nobody can say.
    Unknown,
    /// Nothing burns.
    Never,
    /// In this many seconds.
    In(u64),
    /// It is.
    Already,
}

/// What the next weight would make of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// The weight in percent.
    pub weight: i64,
    /// The burn rate that it would have.
    pub rate: f64,
    /// When the budget would be used up.
    pub exhausted: Exhausted,
}

impl Burn {
    /// Works out what a reading means.
    pub fn of(slo: &Slo, reading: &BurnReading) -> Self {
        let budget = 1.0 - slo.objective;
        let real = |seconds: u32| reading.retention.map_or(seconds, |kept| seconds.min(kept));
        let known = |ratio: Option<f64>| ratio.filter(|ratio| ratio.is_finite());
        let windows: Vec<_> = reading
            .ratios
            .iter()
            .map(|(seconds, ratio)| BurnWindow {
                seconds: *seconds,
                real: real(*seconds),
                ratio: known(*ratio),
                rate: known(*ratio).map(|ratio| ratio / budget),
            })
            .collect();
        let rate = |seconds: u32| windows.iter().find(|window| window.seconds == seconds).and_then(|window| window.rate);
        let exceeded = |alert: &BurnAlert| Some(rate(alert.long)? > alert.burn && rate(alert.short)? > alert.burn);
        let left = rate(slo.period).map(|rate| 1.0 - rate);
        Self {
            alerts: slo.alerts.iter().map(|alert| (*alert, exceeded(alert))).collect(),
            left,
            over: real(slo.period),
            exhausted: exhausted(left, rate(PRESENT), slo.period),
            recorded: reading.recorded.clone(),
            windows,
        }
    }

    /// The burn rate over a window of so many seconds, if it was asked for and answered.
    pub fn rate(&self, seconds: u32) -> Option<f64> {
        self.windows.iter().find(|window| window.seconds == seconds).and_then(|window| window.rate)
    }

    /// Alerts of which both windows are above.
    pub fn exceeded(&self) -> impl Iterator<Item = &BurnAlert> {
        self.alerts.iter().filter(|(_, exceeded)| *exceeded == Some(true)).map(|(alert, _)| alert)
    }

    /// What the canary's and stable's present error ratios come to when the canary has this share of the traffic, in percent:
    /// `w * canary + (1 - w) * stable`.
    pub fn forecast(&self, slo: &Slo, (canary, stable): (f64, f64), weight: i64) -> Option<Forecast> {
        if !canary.is_finite() || !stable.is_finite() {
            return None;
        }
        let share = f64::from(i32::try_from(weight.clamp(0, 100)).unwrap_or_default()) / 100.0;
        let rate = (share * canary + (1.0 - share) * stable) / (1.0 - slo.objective);
        Some(Forecast { weight, rate, exhausted: exhausted(self.left, Some(rate), slo.period) })
    }
}

impl Forecast {
    /// In words: `at 50% burn goes to 9×, budget gone in 3h`.
    pub fn words(&self) -> String {
        let end = match self.exhausted {
            Exhausted::Unknown => String::new(),
            Exhausted::Never => ", the budget lasts".to_owned(),
            Exhausted::Already => ", the budget is gone".to_owned(),
            Exhausted::In(seconds) => format!(", budget gone in {}", age(i64::try_from(seconds).unwrap_or(i64::MAX))),
        };
        format!("at {}% burn goes to {}{end}", self.weight, times(self.rate))
    }
}

/// A burn rate as people read it: `2.4×`, `14×`.
pub fn times(rate: f64) -> String {
    if rate < 10.0 { format!("{}×", (rate * 10.0).round() / 10.0) } else { format!("{rate:.0}×") }
}

/// `left * period / rate`: at a rate of 1 a whole budget lasts for the period.
fn exhausted(left: Option<f64>, rate: Option<f64>, period: u32) -> Exhausted {
    match (left, rate) {
        (Some(left), _) if left <= 0.0 => Exhausted::Already,
        (Some(left), Some(rate)) if rate > 0.0 => {
            let seconds = left * f64::from(period) / rate;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "above 0; what is too large becomes the largest"
            )]
            Exhausted::In(seconds as u64)
        }
        (Some(_), Some(_)) => Exhausted::Never,
        (None, _) | (_, None) => Exhausted::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::id::{Key, Kind};

    const MONTH: u32 = 2_592_000;

    fn slo(period: u32) -> Slo {
        Slo { objective: 0.999, period, error_ratio: None, alerts: BurnAlert::usual(period).into() }
    }

    fn reading(ratios: &[(u32, Option<f64>)], retention: Option<u32>) -> BurnReading {
        let key = Key::new(Kind::Rollout, "shop", "gateway");
        let (asked, ratios) = (Timestamp::UNIX_EPOCH, ratios.to_vec());
        BurnReading { key, uid: "u".into(), asked, ratios, retention, refused: None, recorded: None }
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn usual_alerts_are_those_of_the_book_rescaled() {
        let rates = |period| BurnAlert::usual(period).iter().map(|alert| alert.burn).collect::<Vec<_>>();
        assert!(rates(MONTH).iter().zip([14.4, 6.0, 1.0]).all(|(rate, book)| near(*rate, book)));
        assert!(rates(28 * 86_400).iter().zip([13.44, 5.6, 28.0 / 30.0]).all(|(rate, book)| near(*rate, book)));
        assert_eq!(BurnAlert::usual(86_400).len(), 2, "a day has no three of them");
    }

    #[test]
    fn an_alert_needs_both_windows() {
        let exceeded = |hour, minutes| Burn::of(&slo(MONTH), &reading(&[(300, minutes), (3_600, hour)], None)).alerts[0].1;
        assert_eq!(exceeded(Some(0.015), Some(0.02)), Some(true));
        assert_eq!(exceeded(Some(0.015), Some(0.0)), Some(false), "it is over");
        assert_eq!(exceeded(Some(0.001), Some(0.5)), Some(false), "it is a spike");
        assert_eq!(exceeded(Some(0.015), None), None);
        assert_eq!(exceeded(Some(f64::NAN), Some(0.5)), None, "no traffic is neither");
    }

    #[test]
    fn what_is_left_and_for_how_long() {
        let burn = |month, hour| Burn::of(&slo(MONTH), &reading(&[(3_600, Some(hour)), (MONTH, Some(month))], Some(15 * 86_400)));
        let half = burn(0.0005, 0.002);
        assert!(near(half.left.unwrap(), 0.5) && half.over == 15 * 86_400);
        assert_eq!(half.exhausted, Exhausted::In(u64::from(MONTH) / 4), "half a budget at twice the rate");
        assert!(near(burn(0.002, 0.0).left.unwrap(), -1.0));
        assert_eq!((burn(0.002, 0.0).exhausted, burn(0.0, 0.0).exhausted), (Exhausted::Already, Exhausted::Never));
        assert_eq!(Burn::of(&slo(MONTH), &reading(&[], None)).exhausted, Exhausted::Unknown);
    }

    #[test]
    fn the_next_weight_has_a_price() {
        let slo = slo(MONTH);
        let burn = Burn::of(&slo, &reading(&[(3_600, Some(0.001)), (MONTH, Some(0.000_962_5))], None));
        let forecast = burn.forecast(&slo, (0.0178, 0.0002), 50).unwrap();
        assert!(near(forecast.rate, 9.0));
        assert_eq!(forecast.words(), "at 50% burn goes to 9×, budget gone in 3h");
        assert_eq!(burn.forecast(&slo, (f64::NAN, 0.0), 50), None);
        let none = Slo { alerts: Arc::new([]), ..slo };
        assert_eq!(burn.forecast(&none, (0.0, 0.0), 50).unwrap().exhausted, Exhausted::Never);
    }
}
