//! What a release says about itself: what comes next and by whom, in a few words for a row and in a sentence for a pane.
//! Says nothing that the release does not say.

use std::borrow::Cow;

use jiff::Timestamp;

use super::glyph::Mark;
use super::text;
use crate::domain::duration::clock;
use crate::domain::release::{Phase, Release, WaitingFor, Way};

/// A mark and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// The mark.
    pub mark: Mark,
    /// The words.
    pub words: Cow<'static, str>,
}

impl Phrase {
    fn new(mark: Mark, words: impl Into<Cow<'static, str>>) -> Self {
        Self { mark, words: words.into() }
    }
}

/// How many releases need a person.
pub fn need(count: usize) -> String {
    if count == 1 { "1 needs you".to_owned() } else { format!("{count} need you") }
}

/// What comes next and by whom, in a few words: `◷ auto→50%`, `⏸ waits for you`, `✔ healthy`.
pub fn next(release: &Release, now: Timestamp) -> Phrase {
    if release.odd.is_some() {
        return Phrase::new(Mark::Warning, "not all readable");
    }
    if release.phase == Phase::Degraded {
        let word = if release.aborted { "aborted" } else { "degraded" };
        let words = release.since.map_or(Cow::Borrowed(word), |since| format!("{word} {} ago", text::ago(since, now)).into());
        return Phrase::new(Mark::Bad, words);
    }
    match release.waiting_for {
        Some(WaitingFor::Person) => Phrase::new(Mark::Paused, "waits for you"),
        Some(WaitingFor::Time) => Phrase::new(
            Mark::Waiting,
            match release.next_weight {
                _ if release.way == Way::BlueGreen => Cow::Borrowed("switches by itself"),
                Some(weight) => Cow::Owned(format!("auto→{weight}%")),
                None => Cow::Borrowed("goes on by itself"),
            },
        ),
        Some(WaitingFor::Analysis) => Phrase::new(Mark::Unknown, "waits for analysis"),
        Some(WaitingFor::Experiment) => Phrase::new(Mark::Unknown, "waits for experiment"),
        // Where something is known to keep the pods from starting, a turning mark would look as if all went well.
        Some(WaitingFor::Pods) if release.why.is_some() => Phrase::new(Mark::Warning, pods(release)),
        Some(WaitingFor::Pods) => Phrase::new(Mark::Running, pods(release)),
        Some(WaitingFor::Weight) => Phrase::new(Mark::Running, "waits for router"),
        Some(WaitingFor::Controller) => Phrase::new(Mark::Running, "waits for controller"),
        None => match release.phase {
            Phase::Healthy => Phrase::new(Mark::Good, "healthy"),
            Phase::Progressing => Phrase::new(Mark::Running, "progressing"),
            Phase::Paused => Phrase::new(Mark::Paused, "paused"),
            Phase::Degraded => Phrase::new(Mark::Bad, "degraded"),
            Phase::Unknown => Phrase::new(Mark::Unknown, "unknown"),
        },
    }
}

/// How many pods are there of those that are wanted, if counting says anything.
fn pods(release: &Release) -> Cow<'static, str> {
    let replicas = &release.replicas;
    if replicas.desired > 0 && replicas.available < replicas.desired {
        return format!("starts pods {}/{}", replicas.available, replicas.desired).into();
    }
    Cow::Borrowed("waits for pods")
}

/// How long the present wait still takes: `4:31`, or `due` when its time is over.
pub fn countdown(release: &Release, now: Timestamp) -> Option<Cow<'static, str>> {
    let left = release.until?.duration_since(now).as_secs();
    Some(if left > 0 { clock(left).into() } else { Cow::Borrowed("due") })
}

/// Where it is in its steps: `4/8`, the step that is being done and not those that are over.
pub fn step(release: &Release) -> Option<String> {
    let step = release.step.as_ref().filter(|_| !release.promoted)?;
    Some(format!("{}/{}", (step.index + 1).min(step.count), step.count))
}

/// What happens and what comes next, in one sentence.
pub fn sentence(release: &Release, now: Timestamp) -> Phrase {
    let phrase = next(release, now);
    let since = release.since.map(|since| text::ago(since, now));
    let then = goal(release).map_or_else(String::new, |goal| format!("; then {goal}"));
    let words: Cow<'static, str> = match (release.phase, release.waiting_for) {
        _ if release.odd.is_some() => "Not all of it could be read.".into(),
        (Phase::Degraded, _) => degraded(release, since.as_deref()).into(),
        (_, Some(WaitingFor::Person)) => match goal(release) {
            Some(goal) => format!("Waits for you. Next is {goal}.").into(),
            None => "Waits for you.".into(),
        },
        (_, Some(WaitingFor::Time)) => by_itself(release, now).into(),
        (_, Some(WaitingFor::Analysis)) => format!("Waits for its analysis{then}.").into(),
        (_, Some(WaitingFor::Experiment)) => format!("Waits for its experiment{then}.").into(),
        (_, Some(WaitingFor::Pods)) => match release.revision.filter(|_| release.why.is_none() && !release.promoted) {
            Some(revision) => format!("Starts the pods of revision {revision}{then}.").into(),
            None => format!("Waits for pods{then}.").into(),
        },
        (_, Some(WaitingFor::Weight)) => "Waits until the router confirms the weight.".into(),
        (_, Some(WaitingFor::Controller)) => "Waits until the controller reacts to the change.".into(),
        (Phase::Healthy, None) => healthy(release).into(),
        (Phase::Progressing, None) if release.promoting_full => "Goes to 100%, leaving out its steps.".into(),
        (Phase::Progressing, None) => "Is on its way.".into(),
        (Phase::Paused, None) => "Is paused.".into(),
        (Phase::Unknown, None) => "No controller has looked at it yet.".into(),
    };
    Phrase { mark: phrase.mark, words }
}

fn degraded(release: &Release, since: Option<&str>) -> String {
    let when = since.map_or_else(String::new, |since| format!(" {since} ago"));
    match (release.aborted, release.shown_weight, release.stable_revision) {
        (true, Some(0), Some(stable)) => format!("Aborted{when}. All traffic is on revision {stable}."),
        (true, ..) => format!("Aborted{when}."),
        (false, ..) => since.map_or_else(|| "Degraded.".to_owned(), |since| format!("Degraded for {since}.")),
    }
}

fn healthy(release: &Release) -> String {
    match (release.shown_weight, release.revision) {
        (Some(100), Some(revision)) if release.promoted => format!("Healthy, 100% on revision {revision}."),
        (_, Some(revision)) if release.promoted => format!("Healthy on revision {revision}."),
        (Some(100), None) => "Healthy, 100% on what was promoted last.".to_owned(),
        _ => "Healthy.".to_owned(),
    }
}

fn by_itself(release: &Release, now: Timestamp) -> String {
    let goal = goal(release).map_or_else(|| "on".to_owned(), |goal| format!("to {goal}"));
    match release.until.map(|until| until.duration_since(now).as_secs()) {
        Some(left) if left > 0 => format!("Goes {goal} by itself in {}.", clock(left)),
        Some(_) => format!("Is due to go {goal} by itself."),
        None => format!("Goes {goal} by itself."),
    }
}

/// What comes after the present wait.
fn goal(release: &Release) -> Option<String> {
    match (release.next_weight, release.way, release.revision) {
        (_, Way::BlueGreen, Some(revision)) if !release.promoted => Some(format!("the switch to revision {revision}")),
        (Some(weight), ..) => Some(format!("{weight}%")),
        (None, ..) => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::domain::id::{Key, Kind};
    use crate::domain::release::Replicas;

    fn release() -> Release {
        Release {
            key: Key::new(Kind::Rollout, "shop", "gateway"),
            uid: "u".into(),
            way: Way::Canary,
            phase: Phase::Paused,
            message: "CanaryPauseStep".into(),
            step: None,
            weight: None,
            shown_weight: Some(25),
            revision: Some(14),
            stable_revision: Some(13),
            aborted: false,
            promoted: false,
            promoting_full: false,
            waiting_for: None,
            until: None,
            next_weight: None,
            images: Vec::new(),
            replicas: Replicas { desired: 10, current: 12, updated: 3, ready: 12, available: 12 },
            since: None,
            managed_by: None,
            why: None,
            odd: None,
        }
    }

    fn check(release: &Release, row: &str, whole: &str) {
        let now = Timestamp::UNIX_EPOCH;
        let next = next(release, now);
        assert_eq!(format!("{} {}", next.mark.glyph(), next.words), row);
        assert_eq!(sentence(release, now).words, whole);
    }

    #[test]
    fn a_row_says_what_comes_next_and_by_whom() {
        let at = |seconds: i64| Some(Timestamp::UNIX_EPOCH + seconds.seconds());
        let timed = Release { waiting_for: Some(WaitingFor::Time), next_weight: Some(50), until: at(271), ..release() };
        assert_eq!(countdown(&timed, Timestamp::UNIX_EPOCH).as_deref(), Some("4:31"));
        check(&timed, "◷ auto→50%", "Goes to 50% by itself in 4:31.");
        check(&Release { until: at(-1), ..timed }, "◷ auto→50%", "Is due to go to 50% by itself.");
        let person = Release { waiting_for: Some(WaitingFor::Person), next_weight: Some(50), ..release() };
        check(&person, "⏸ waits for you", "Waits for you. Next is 50%.");
        let judged = Release { waiting_for: Some(WaitingFor::Analysis), next_weight: Some(50), ..release() };
        check(&judged, "? waits for analysis", "Waits for its analysis; then 50%.");
        let starting =
            Release { phase: Phase::Progressing, waiting_for: Some(WaitingFor::Pods), next_weight: Some(10), ..release() };
        check(&starting, "◐ waits for pods", "Starts the pods of revision 14; then 10%.");
        check(&Release { why: Some("no image".into()), ..starting }, "▲ waits for pods", "Waits for pods; then 10%.");
        let aborted = Release { phase: Phase::Degraded, aborted: true, since: at(-360), shown_weight: Some(0), ..release() };
        check(&aborted, "✖ aborted 6m ago", "Aborted 6m ago. All traffic is on revision 13.");
        let healthy = Release { phase: Phase::Healthy, promoted: true, shown_weight: Some(100), ..release() };
        check(&healthy, "✔ healthy", "Healthy, 100% on revision 14.");
        let colours = Release { way: Way::BlueGreen, waiting_for: Some(WaitingFor::Person), ..release() };
        check(&colours, "⏸ waits for you", "Waits for you. Next is the switch to revision 14.");
        check(&Release { odd: Some("spec".into()), ..release() }, "▲ not all readable", "Not all of it could be read.");
    }
}
