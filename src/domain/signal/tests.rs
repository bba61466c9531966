//! Tables of verdicts: what a signal's series comes to.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::domain::series::Series;
use jiff::Timestamp;

/// Seconds between two values.
const STEP: u32 = 15;
/// The moment of the first value.
const START: i64 = 1_000_000;

/// So many seconds after the first value.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(START + seconds)
}

fn template(text: &str) -> Template {
    Template::read(text, &[]).unwrap()
}

/// A signal with one query and the limit `< 1`.
pub fn named(name: &str, kind: SignalKind) -> Signal {
    Signal {
        name: name.into(),
        kind,
        expression: Expression::Value(template("x{hash=\"{{pod_hash}}\"}[{{window}}]")),
        fleet: None,
        traffic: None,
        limit: Limit { comparator: Comparator::Less, threshold: 1.0 },
        unit: Unit::Plain,
        window: 300,
        per_track: true,
        gate: true,
        min_traffic: 0.0,
        lasting: 0,
        hysteresis: 0.0,
        origin: Origin::Configuration,
    }
}

/// `p95 < 1.5s`.
pub fn latency() -> Signal {
    let limit = Limit { comparator: Comparator::Less, threshold: 1.5 };
    Signal { limit, unit: Unit::Seconds, ..named("p95", SignalKind::Latency) }
}

/// `errors < 1%`.
pub fn errors() -> Signal {
    let limit = Limit { comparator: Comparator::Less, threshold: 0.01 };
    let expression = Expression::Ratio {
        bad: template("bad{h=\"{{pod_hash}}\"}[{{window}}]"),
        total: template("all{h=\"{{pod_hash}}\"}[{{window}}]"),
    };
    Signal { limit, unit: Unit::Ratio, expression, ..named("errors", SignalKind::Errors) }
}

/// What was measured of the canary: values of `step` seconds, 10 requests a second unless told otherwise, and the newest sample as old as the newest value.
pub fn series(values: &[f32], rates: Option<&[f32]>) -> TrackSeries {
    let traffic = rates.map_or_else(|| vec![10.0; values.len()], <[f32]>::to_vec);
    let value = Series::new(at(0), STEP, values.to_vec());
    TrackSeries {
        track: Track::Canary,
        sampled: value.end(),
        traffic: Some(Series::new(at(0), STEP, traffic)),
        value,
        pods: None,
        refused: None,
    }
}

/// At the moment of the newest value.
pub fn context(series: &TrackSeries) -> Context {
    Context::at(series.value.end().unwrap_or(at(0)), 90)
}

fn verdict(signal: &Signal, values: &[f32]) -> (Verdict, u32, String) {
    let series = series(values, None);
    told(&judge(signal, std::slice::from_ref(&series), &context(&series)))
}

fn told(judgement: &Judgement) -> (Verdict, u32, String) {
    (judgement.verdict, judgement.breached, judgement.why.as_deref().unwrap_or_default().to_owned())
}

const GAP: f32 = f32::NAN;

#[test]
fn values_and_their_verdicts() {
    let lasting = Signal { lasting: 60, ..errors() };
    let sticky = Signal { hysteresis: 0.2, ..errors() };
    let cases: &[(&Signal, &[f32], Verdict, u32, &str)] = &[
        (&errors(), &[0.0, 0.002], Verdict::Pass, 0, ""),
        (&errors(), &[0.0, 0.0081], Verdict::Warn, 0, "near its limit"),
        (&errors(), &[0.0, 0.018], Verdict::Breach, 0, ""),
        (&errors(), &[0.01], Verdict::Breach, 0, ""),
        (&errors(), &[0.02, 0.02, 0.02], Verdict::Breach, 30, ""),
        (&errors(), &[0.02, 0.02, 0.0], Verdict::Pass, 0, ""),
        // It has to last.
        (&lasting, &[0.0, 0.02, 0.02], Verdict::Warn, 15, "over for 0:15 of 1:00"),
        (&lasting, &[0.02, 0.02, 0.02, 0.02, 0.02], Verdict::Breach, 60, ""),
        (&lasting, &[0.02, 0.02, 0.001, 0.02, 0.02], Verdict::Warn, 15, "over for 0:15 of 1:00"),
        // A gap neither makes a breach nor ends one, and its time does not count.
        (&lasting, &[0.02, 0.02, GAP, 0.02, 0.02], Verdict::Warn, 45, "over for 0:45 of 1:00"),
        (&lasting, &[0.02, 0.02, 0.02, 0.02, 0.02, GAP, 0.02], Verdict::Breach, 75, ""),
        (&errors(), &[0.02, 0.02, GAP], Verdict::NoData, 15, "the newest samples make no number"),
        (&errors(), &[0.0, GAP], Verdict::NoData, 0, "the newest samples make no number"),
        // After a breach it has to come back by more than a hair.
        (&sticky, &[0.02, 0.009], Verdict::Breach, 15, "within its limit, but not far enough yet"),
        (&sticky, &[0.02, 0.0079], Verdict::Pass, 0, ""),
        (&sticky, &[0.009, 0.009], Verdict::Warn, 0, "near its limit"),
        (&errors(), &[0.0, f32::INFINITY], Verdict::NoData, 0, "the value is infinite"),
        (&latency(), &[1.6], Verdict::Breach, 0, ""),
    ];
    for (signal, values, expected, breached, why) in cases {
        assert_eq!(verdict(signal, values), (*expected, *breached, (*why).to_owned()), "{values:?} < {}", signal.limit.threshold);
    }
}

#[test]
fn all_comparators() {
    use Comparator::{AtLeast, AtMost, Equal, Greater, Less};
    let cases = [
        (Less, 1.0, Verdict::Breach),
        (AtMost, 1.0, Verdict::Warn),
        (Equal, 1.0, Verdict::Pass),
        (Equal, 1.1, Verdict::Breach),
        (Greater, 1.0, Verdict::Breach),
        (AtLeast, 1.0, Verdict::Warn),
        (Greater, 1.2, Verdict::Warn),
        (Greater, 1.3, Verdict::Pass),
        (AtLeast, 0.9, Verdict::Breach),
        (Less, 0.7, Verdict::Pass),
    ];
    for (comparator, value, expected) in cases {
        let signal = Signal { limit: Limit { comparator, threshold: 1.0 }, ..named("x", SignalKind::Other) };
        assert_eq!(verdict(&signal, &[value]).0, expected, "{value} {comparator} 1");
    }
}

#[test]
fn too_little_traffic_is_no_pass() {
    let few = |signal: &Signal, value: f32, rate: f32| {
        let series = series(&[value; 3], Some(&[rate; 3]));
        told(&judge(signal, std::slice::from_ref(&series), &context(&series)))
    };
    let said = |verdict, why: &str| (verdict, 0, why.to_owned());
    // 300 s of 0.3/s are 90 requests: one failure would be more than 1 %.
    assert_eq!(few(&errors(), 0.0, 0.3), said(Verdict::LowTraffic, "90 of 100 requests"));
    assert_eq!(few(&errors(), 0.0, 0.34), said(Verdict::Pass, ""));
    assert_eq!(few(&latency(), 0.1, 0.05), said(Verdict::LowTraffic, "15 of 20 requests"));
    // One of 90 can be chance, half of 30 cannot.
    assert_eq!(few(&errors(), 0.0111, 0.3), said(Verdict::LowTraffic, "90 of 100 requests"));
    assert_eq!(few(&errors(), 0.5, 0.1), (Verdict::Breach, 30, String::new()));
    let wants = Signal { min_traffic: 5.0, ..named("cpu", SignalKind::Saturation) };
    assert_eq!(few(&wants, 0.1, 2.0), said(Verdict::LowTraffic, "2/s of 5/s"));
    assert_eq!(few(&wants, 0.1, GAP), said(Verdict::NoData, "the traffic is unknown"));
    assert_eq!(few(&errors(), 0.0, GAP), said(Verdict::NoData, "the traffic is unknown"));
    assert_eq!(few(&errors(), GAP, 0.0), said(Verdict::NoData, "no requests"));
    let judgement = judge(&errors(), &[series(&[0.0; 3], None)], &Context::at(at(30), 90));
    assert_eq!((judgement.requests, judgement.resolution), (Some(3000.0), Some(1.0 / 3000.0)));
}

#[test]
fn a_rate_that_is_no_mean_is_summed_up() {
    let signal = Signal { traffic: Some(template("requests:now")), window: 60, ..latency() };
    let series = series(&[0.1; 6], Some(&[9.0, 1.0, 2.0, 3.0, GAP, 4.0]));
    let judgement = judge(&signal, &[series], &Context::at(at(75), 90));
    assert_eq!(judgement.requests, Some((2.0 + 3.0 + 4.0) * 15.0));
}

#[test]
fn what_is_old_refused_or_missing_is_no_data() {
    let fresh = series(&[0.0; 3], None);
    let later = |seconds: i64| told(&judge(&errors(), std::slice::from_ref(&fresh), &Context::at(at(30 + seconds), 90)));
    assert_eq!((later(90).0, later(91)), (Verdict::Pass, (Verdict::NoData, 0, "last sample 1:31 ago".to_owned())));
    // A clock that was set back makes nothing older.
    assert_eq!(later(-3600).0, Verdict::Pass);
    let refused = TrackSeries { refused: Some("parse error".into()), ..fresh.clone() };
    let gone = TrackSeries { sampled: None, ..fresh.clone() };
    let why = |series: &[TrackSeries]| told(&judge(&errors(), series, &context(&fresh))).2;
    assert_eq!([why(&[refused]), why(&[gone]), why(&[])], ["parse error", "no series", "nothing was measured"]);
}

#[test]
fn too_early_until_the_window_lies_within_the_step() {
    let early = |seconds: i64, values: &[f32]| {
        let series = series(values, None);
        let end = series.value.end().unwrap();
        let judgement =
            judge(&errors(), &[series], &Context { began: Some(end - SignedDuration::from_secs(seconds)), ..Context::at(end, 90) });
        (judgement.verdict, judgement.usable_in, judgement.why.map(String::from).unwrap_or_default())
    };
    assert_eq!(early(40, &[0.0]), (Verdict::TooEarly, Some(260), "0:40 of 5:00".to_owned()));
    assert_eq!(early(300, &[0.0]), (Verdict::Pass, None, String::new()));
    assert_eq!(early(40, &[0.5]).0, Verdict::Breach, "a breach is one at any time");
    assert_eq!(early(40, &[GAP]).0, Verdict::NoData);
    assert_eq!(early(-10, &[0.0]).1, Some(300), "a step that has not begun is no more than new");
    let slow = series(&[0.0], Some(&[0.1]));
    let began = Some(at(-100));
    let judgement = judge(&errors(), &[slow], &Context { began, ..Context::at(at(0), 90) });
    // 30 requests in 100 s: 100 of them take 334 s, which is more than the window.
    assert_eq!((judgement.verdict, judgement.usable_in), (Verdict::LowTraffic, None));
    let slow = series(&[0.0], Some(&[0.2]));
    let judgement = judge(&errors(), &[slow], &Context { began, ..Context::at(at(0), 90) });
    assert_eq!(
        (judgement.verdict, judgement.usable_in),
        (Verdict::LowTraffic, Some(200)),
        "67 s for the requests, 200 s for the window"
    );
}

#[test]
fn pods_that_nobody_scrapes_leave_a_doubt() {
    let seen = |pods, there, value: f32| {
        let series = TrackSeries { pods: Some(pods), ..series(&[value], None) };
        let context = Context { pods: vec![(Track::Stable, 9), (Track::Canary, there)], ..context(&series) };
        told(&judge(&errors(), &[series], &context))
    };
    assert_eq!(seen(1, 2, 0.0), (Verdict::Warn, 0, "1 of 2 pods scraped".to_owned()));
    assert_eq!((seen(2, 2, 0.0).0, seen(3, 2, 0.0).0, seen(1, 2, 0.5).0), (Verdict::Pass, Verdict::Pass, Verdict::Breach));
}

#[test]
fn another_version_breaches_for_itself() {
    let values = [0.5, 0.5, 0.5, 0.0, 0.02, 0.02];
    let shared =
        Signal { expression: Expression::Value(template("errors{track=\"{{track}}\"}[{{window}}]")), window: 30, ..errors() };
    let judged = |signal: &Signal, appeared: i64| {
        let series = series(&values, None);
        judge(signal, std::slice::from_ref(&series), &Context { appeared: Some(at(appeared)), ..context(&series) }).breached
    };
    assert_eq!(judged(&errors(), 60), 15);
    // A query that does not name the version still sees the one before for the length of its window.
    assert_eq!(judged(&shared, 45), 0);
    assert_eq!(judged(&errors(), 75), 0);
}

#[test]
fn stable_stands_beside_and_is_never_judged() {
    let canary = series(&[0.001], None);
    let stable = TrackSeries { track: Track::Stable, ..series(&[0.5], None) };
    let judgement = judge(&errors(), &[stable.clone(), canary.clone()], &context(&canary));
    assert_eq!(
        (judgement.verdict, judgement.track, judgement.value, judgement.stable),
        (Verdict::Pass, Track::Canary, Some(0.001), Some(0.5))
    );
    let alone = judge(&errors(), std::slice::from_ref(&stable), &context(&stable));
    assert_eq!((alone.verdict, alone.track, alone.stable), (Verdict::Breach, Track::Stable, None));
}

fn any_value() -> impl Strategy<Value = f32> {
    prop_oneof![4 => 0.0_f32..0.03, 2 => Just(GAP), 1 => Just(f32::INFINITY), 1 => any::<f32>()]
}

proptest! {
    /// Whatever is measured, only a value that is there, new and inside its limit lets anything through, unless a breach still has to last.
    #[test]
    fn a_gap_never_passes(
        values in prop::collection::vec(any_value(), 0..40), rates in prop::collection::vec(any_value(), 0..40),
        (lasting, hysteresis, age) in (0_u32..120, 0.0_f64..0.9, 0_i64..200), (began, pods) in (prop::option::of(-600_i64..600), 0_u32..3),
        lower in any::<bool>(),
    ) {
        let comparator = if lower { Comparator::Greater } else { Comparator::Less };
        let signal = Signal { lasting, hysteresis, limit: Limit { comparator, threshold: 0.01 }, ..errors() };
        let series = TrackSeries { pods: Some(pods), ..series(&values, Some(&rates)) };
        let end = series.value.end().unwrap_or(at(0));
        let now = end + SignedDuration::from_secs(age);
        let context = Context { began: began.map(at), pods: vec![(Track::Canary, 2)], ..Context::at(now, 90) };
        let judgement = judge(&signal, std::slice::from_ref(&series), &context);
        if judgement.verdict.lets_through() {
            let last = series.value.last();
            prop_assert!(last.is_some_and(f32::is_finite) && age <= 90);
            let holds = signal.limit.of_series().holds(f64::from(last.unwrap_or(GAP)));
            prop_assert!(holds || judgement.breached < lasting);
            prop_assert!(judgement.requests.is_some_and(|requests| requests > 0.0));
        }
        if last_is_gap(&series) {
            prop_assert_eq!(judgement.verdict, Verdict::NoData);
        }
    }

    /// What happened before the newest value that was well within its limit does not matter, however much of it was asked for.
    #[test]
    fn a_longer_past_changes_nothing(past in prop::collection::vec(any_value(), 0..20), values in prop::collection::vec(any_value(), 1..20), lasting in 0_u32..120) {
        let signal = Signal { lasting, hysteresis: 0.3, ..errors() };
        let new = [vec![0.0], values].concat();
        let long = series(&[past.clone(), new.clone()].concat(), None);
        let mut short = series(&new, None);
        let seconds = u32::try_from(past.len()).unwrap() * STEP;
        short.value.start = at(seconds.into());
        short.traffic.as_mut().unwrap().start = at(seconds.into());
        short.sampled = long.sampled;
        let context = context(&long);
        prop_assert_eq!(judge(&signal, &[long], &context), judge(&signal, &[short], &context));
    }
}

fn last_is_gap(series: &TrackSeries) -> bool {
    series.value.values.last().is_some_and(|value| value.is_nan())
}
