//! For how long a canary has been saturated and more so than stable: both have to be known, and a gap in either counts for nothing.

use jiff::Timestamp;

use super::rules::Rules;
use crate::domain::signal::{Measured, Track, TrackSeries};

/// Seconds for which the canary has been above the limit and above stable, up to its newest value; None if nobody knows now: there is no
/// such signal, a track has no value now, or its newest sample is older than `oldest` seconds. `now` is the local clock.
pub fn saturated(measured: &Measured, rules: &Rules, (now, oldest): (Timestamp, u32)) -> Option<u32> {
    let (_, tracks) = measured.signals.iter().find(|(name, _)| **name == *rules.saturation)?;
    let track = |wanted: Track| tracks.iter().find(|series| series.track == wanted).filter(|series| is_fresh(series, now, oldest));
    let (canary, stable) = (track(Track::Canary)?, track(Track::Stable)?);
    canary.value.last()?;
    stable.value.last()?;
    let mut over = 0_u32;
    for (at, value) in canary.value.points().rev() {
        // A gap neither confirms nor clears.
        let Some((value, stable)) = value.zip(stable.value.value_at(at)) else { continue };
        if f64::from(value) <= rules.saturation_limit || value <= stable {
            break;
        }
        over = over.saturating_add(1);
    }
    // From the first value above to the newest.
    Some(over.saturating_sub(1).saturating_mul(canary.value.step))
}

fn is_fresh(series: &TrackSeries, now: Timestamp, oldest: u32) -> bool {
    series.sampled.is_some_and(|sampled| now.duration_since(sampled).as_secs() <= i64::from(oldest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{Key, Kind};
    use crate::domain::series::Series;

    const GAP: f32 = f32::NAN;

    fn measured(canary: &[f32], stable: &[f32]) -> (Measured, Timestamp) {
        let start = Timestamp::UNIX_EPOCH;
        let series = |track, values: &[f32]| TrackSeries {
            track,
            value: Series::new(start, 15, values),
            traffic: None,
            sampled: Series::new(start, 15, values).end(),
            pods: None,
            refused: None,
        };
        let tracks = vec![series(Track::Canary, canary), series(Track::Stable, stable)];
        let now = tracks[0].value.end().unwrap();
        let key = Key::new(Kind::Rollout, "shop", "gateway");
        let measured = Measured {
            key,
            uid: "u".into(),
            hash: "h".into(),
            asked: now,
            signals: vec![("saturation".into(), tracks)],
            notes: Vec::new(),
        };
        (measured, now)
    }

    fn over(canary: &[f32], stable: &[f32]) -> Option<u32> {
        let (measured, now) = measured(canary, stable);
        saturated(&measured, &Rules::default(), (now, 90))
    }

    #[test]
    fn it_counts_while_the_canary_is_above_the_limit_and_above_stable() {
        assert_eq!(over(&[0.5, 0.9, 0.9, 0.9], &[0.5; 4]), Some(30));
        assert_eq!(over(&[0.9; 4], &[0.5, 0.95, 0.5, 0.5]), Some(15), "stable was as full");
        assert_eq!(over(&[0.9, 0.9, 0.9, 0.7], &[0.5; 4]), Some(0));
        assert_eq!(over(&[0.9; 4], &[0.9; 4]), Some(0), "a full cluster is no fault of the canary");
    }

    #[test]
    fn a_gap_counts_for_nothing_and_at_the_end_nobody_knows() {
        assert_eq!(over(&[0.9, GAP, GAP, 0.9, 0.9], &[0.5; 5]), Some(30));
        assert_eq!(over(&[0.9; 4], &[0.5, GAP, 0.5, 0.5]), Some(30));
        assert_eq!(over(&[0.9, 0.9, GAP], &[0.5; 3]), None);
        assert_eq!(over(&[0.9; 3], &[0.5, 0.5, GAP]), None);
        let (measured, now) = measured(&[0.9; 4], &[0.5; 4]);
        let later = now + jiff::SignedDuration::from_secs(91);
        assert_eq!(saturated(&measured, &Rules::default(), (later, 90)), None, "old samples are none");
        let other = Rules { saturation: "memory".into(), ..Rules::default() };
        assert_eq!(saturated(&measured, &other, (now, 90)), None);
    }
}
