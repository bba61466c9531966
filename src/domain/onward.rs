//! What a release does next without anybody's doing: a timer or an analysis lets it go on, whatever its gates say. Where that is so,
//! only a hold stops it, and screens say so.

use jiff::Timestamp;

use super::duration::clock;
use super::release::{Phase, Release, WaitingFor, Way};

/// What happens by itself, at a moment of the cluster's clock: `goes to 50% BY ITSELF in 4:31`. None if it waits for a person, or stands still.
pub fn onward(release: &Release, now: Timestamp) -> Option<String> {
    if release.promoted || release.aborted || !matches!(release.phase, Phase::Progressing | Phase::Paused) {
        return None;
    }
    let to = match (release.promoting_full, release.next_weight, release.way) {
        (true, ..) | (_, Some(100), Way::Canary) => "goes to 100%".to_owned(),
        (_, Some(weight), Way::Canary | Way::Unknown) => format!("goes to {weight}%"),
        (_, Some(_), Way::BlueGreen) => "gets all traffic".to_owned(),
        (_, None, _) => "goes on".to_owned(),
    };
    let when = match release.waiting_for {
        Some(WaitingFor::Person) => return None,
        Some(WaitingFor::Time) => match release.until.map(|until| until.duration_since(now).as_secs()) {
            Some(seconds) if seconds > 0 => format!("in {}", clock(seconds)),
            Some(_) => "any moment".to_owned(),
            None => "when its time is over".to_owned(),
        },
        Some(WaitingFor::Analysis) => "if its analysis succeeds".to_owned(),
        Some(WaitingFor::Experiment) => "if its experiment succeeds".to_owned(),
        Some(WaitingFor::Pods) => "as soon as its pods are there".to_owned(),
        Some(WaitingFor::Weight) => "as soon as the load balancer confirms the weight".to_owned(),
        Some(WaitingFor::Controller) | None => "at once".to_owned(),
    };
    Some(format!("{to} BY ITSELF {when}"))
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::domain::id::{Key, Kind};
    use crate::domain::release::Replicas;

    fn release(waiting_for: Option<WaitingFor>, until: Option<i64>) -> Release {
        Release {
            key: Key::new(Kind::Rollout, "shop", "gateway"),
            uid: "u".into(),
            way: Way::Canary,
            phase: Phase::Paused,
            message: "".into(),
            step: None,
            weight: None,
            shown_weight: Some(25),
            revision: None,
            stable_revision: None,
            aborted: false,
            promoted: false,
            promoting_full: false,
            waiting_for,
            until: until.map(|seconds| Timestamp::UNIX_EPOCH + seconds.seconds()),
            next_weight: Some(50),
            images: Vec::new(),
            replicas: Replicas::default(),
            since: None,
            managed_by: None,
            why: None,
            odd: None,
        }
    }

    #[test]
    fn what_goes_on_by_itself_says_where_and_when() {
        let says = |release: &Release| onward(release, Timestamp::UNIX_EPOCH);
        let timed = release(Some(WaitingFor::Time), Some(271));
        assert_eq!(says(&timed).as_deref(), Some("goes to 50% BY ITSELF in 4:31"));
        assert_eq!(says(&release(Some(WaitingFor::Time), Some(-3))).as_deref(), Some("goes to 50% BY ITSELF any moment"));
        let analysed = release(Some(WaitingFor::Analysis), None);
        assert_eq!(says(&analysed).as_deref(), Some("goes to 50% BY ITSELF if its analysis succeeds"));
        let green = Release { way: Way::BlueGreen, next_weight: Some(100), ..timed.clone() };
        assert_eq!(says(&green).as_deref(), Some("gets all traffic BY ITSELF in 4:31"));
        let full = Release { promoting_full: true, waiting_for: Some(WaitingFor::Pods), ..timed.clone() };
        assert_eq!(says(&full).as_deref(), Some("goes to 100% BY ITSELF as soon as its pods are there"));
        assert_eq!(says(&release(Some(WaitingFor::Person), None)), None);
        assert_eq!(says(&Release { aborted: true, ..timed.clone() }), None);
        assert_eq!(says(&Release { promoted: true, ..timed }), None);
    }
}
