//! Go or no-go: whether this is a moment to begin a release. A list of findings, each with its sign, made of what others have learned.
//! Advises only: nothing here keeps anybody from going back, or a release that is under way from going on.

use jiff::Timestamp;

use super::duration::age;
use super::release::{Phase, Release};
use super::signal::{Alert, AlertState};

/// The part of the error budget that is to be left before something new begins.
pub const BUDGET: f64 = 0.99;
/// Names in one sentence at most.
const NAMED: usize = 5;

/// Something that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Known<T> {
    /// It is not configured: there is nothing to know.
    Absent(&'static str),
    /// It is not known, and why.
    Unknown(String),
    /// This.
    Is(T),
}

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// The release that is to begin; None asks for the whole environment.
    pub subject: Option<&'a Release>,
    /// All releases of the environment.
    pub releases: &'a [Release],
    /// Alerts that concern the subject; without one, all of them.
    pub alerts: Known<Vec<&'a Alert>>,
    /// Whether the server has any alerting rule or alert, whatever it is about.
    pub ruled: bool,
    /// For each service that it concerns: its name, and which part of its error budget is left. 1 is all of it; below 0 it is overdrawn.
    pub budgets: Known<Vec<(String, f64)>>,
    /// The part of a budget that has to be left.
    pub wanted: f64,
    /// Freezes that hold now, each with its end.
    pub frozen: Vec<(&'a str, Timestamp)>,
    /// Seconds since the newest sample was taken, and from how many on it is too old.
    pub sampled: Known<(i64, i64)>,
    /// The local clock.
    pub now: Timestamp,
}

/// What is to be thought of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// There is nothing to know.
    Absent,
    /// Nothing speaks against it.
    Pass,
    /// Somebody should look.
    Warn,
    /// It cannot be told.
    Unknown,
    /// Not now.
    NoGo,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub name: &'static str,
    /// What is to be thought of it.
    pub sign: Sign,
    /// The same in words.
    pub words: String,
}

/// All findings, in a fixed order.
pub fn go(evidence: &Evidence<'_>) -> Vec<Finding> {
    [alerts(evidence), budget(evidence), moving(evidence), freeze(evidence), metrics(evidence)].into()
}

/// What all of them come to: the worst. Where one says *no-go*, what cannot be told changes nothing.
pub fn verdict(findings: &[Finding]) -> Sign {
    findings.iter().map(|finding| finding.sign).max().unwrap_or(Sign::Pass).max(Sign::Pass)
}

impl Sign {
    /// As JSON says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Unknown => "unknown",
            Self::NoGo => "no_go",
        }
    }

    /// As people say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Absent => "not asked",
            Self::Pass => "go",
            Self::Warn => "go, with care",
            Self::Unknown => "cannot tell",
            Self::NoGo => "no-go",
        }
    }
}

fn finding(name: &'static str, sign: Sign, words: impl Into<String>) -> Finding {
    Finding { name, sign, words: words.into() }
}

fn alerts(evidence: &Evidence<'_>) -> Finding {
    let all = match &evidence.alerts {
        Known::Absent(why) => return finding("alerts", Sign::Absent, *why),
        Known::Unknown(why) => return finding("alerts", Sign::Unknown, why.clone()),
        Known::Is(all) => all,
    };
    let severity =
        |alert: &Alert| alert.labels.iter().find(|(label, _)| **label == *"severity").map(|(_, value)| value.to_lowercase());
    let mut firing = Vec::new();
    let mut mild = Vec::new();
    for alert in all {
        match (alert.state, severity(alert).as_deref()) {
            // An alert that always fires shows only that alerts arrive.
            (AlertState::Inactive, _) | (_, Some("none")) => {}
            (AlertState::Firing, Some("info")) | (AlertState::Pending, _) => mild.push(&*alert.name),
            (AlertState::Firing, _) => firing.push(&*alert.name),
        }
    }
    match (firing.is_empty(), mild.is_empty()) {
        (false, _) => finding("alerts", Sign::NoGo, format!("firing: {}", several(firing))),
        (true, false) => finding("alerts", Sign::Warn, format!("pending or for information: {}", several(mild))),
        (true, true) if !evidence.ruled => {
            finding("alerts", Sign::Warn, "the metrics server has no alerting rule: nothing that it knows of would fire")
        }
        (true, true) => finding("alerts", Sign::Pass, "none firing"),
    }
}

fn budget(evidence: &Evidence<'_>) -> Finding {
    let budgets = match &evidence.budgets {
        Known::Absent(why) => return finding("budget", Sign::Absent, *why),
        Known::Unknown(why) => return finding("budget", Sign::Unknown, why.clone()),
        Known::Is(budgets) => budgets,
    };
    let wanted = percent(evidence.wanted);
    let least = budgets.iter().min_by(|(_, a), (_, b)| a.total_cmp(b));
    let Some((name, left)) = least else { return finding("budget", Sign::Unknown, "no error ratio was measured") };
    let least = if budgets.len() > 1 { format!(", the least of {}", budgets.len()) } else { String::new() };
    let has = format!("{name} has {} left{least}", percent(*left));
    if *left > evidence.wanted {
        finding("budget", Sign::Pass, format!("{has}; more than {wanted} is wanted"))
    } else {
        finding("budget", Sign::NoGo, format!("{has}; more than {wanted} is wanted"))
    }
}

fn moving(evidence: &Evidence<'_>) -> Finding {
    let own = evidence.subject.map(|release| &release.key);
    if let Some(release) = evidence.subject {
        let name = &release.key.name;
        if is_moving(release) {
            let at = release.shown_weight.map_or_else(String::new, |weight| format!(", at {weight} %"));
            return finding("releases", Sign::NoGo, format!("{name} has a release under way{at}"));
        }
        if release.phase == Phase::Degraded {
            let why = release.why.as_deref().map_or_else(String::new, |why| format!(": {why}"));
            return finding("releases", Sign::NoGo, format!("{name} is degraded{why}"));
        }
    }
    let others = || evidence.releases.iter().filter(|release| Some(&release.key) != own);
    let name = |release: &'_ Release| release.key.name.to_string();
    let moves: Vec<String> = others().filter(|release| is_moving(release)).map(name).collect();
    let bad: Vec<String> = others().filter(|release| release.phase == Phase::Degraded).map(name).collect();
    let mut parts = Vec::new();
    for (words, names) in [("under way", moves), ("degraded", bad)] {
        if !names.is_empty() {
            parts.push(format!("{words}: {}", several(names.iter().map(String::as_str).collect())));
        }
    }
    if parts.is_empty() {
        return finding("releases", Sign::Pass, "nothing else moves");
    }
    finding("releases", Sign::Warn, parts.join("; "))
}

/// Whether a release is on its way.
fn is_moving(release: &Release) -> bool {
    matches!(release.phase, Phase::Progressing | Phase::Paused)
}

fn freeze(evidence: &Evidence<'_>) -> Finding {
    let words = evidence.frozen.iter().map(|(name, until)| frozen(name, *until, evidence.now)).collect::<Vec<_>>().join("; ");
    if words.is_empty() {
        return finding("freeze", Sign::Pass, "none holds now");
    }
    finding("freeze", Sign::NoGo, words)
}

/// A freeze in words: `weekend freeze until 2026-03-09 08:00 UTC (2d)`.
pub fn frozen(name: &str, until: Timestamp, now: Timestamp) -> String {
    let left = age(until.duration_since(now).as_secs().max(0));
    format!("{name} until {} ({left})", until.strftime("%Y-%m-%d %H:%M UTC"))
}

fn metrics(evidence: &Evidence<'_>) -> Finding {
    match &evidence.sampled {
        Known::Absent(why) => finding("metrics", Sign::Absent, *why),
        Known::Unknown(why) => finding("metrics", Sign::Unknown, why.clone()),
        Known::Is((seconds, stale)) if seconds > stale => {
            finding("metrics", Sign::Unknown, format!("the newest sample is {} old, more than {}", age(*seconds), age(*stale)))
        }
        Known::Is((seconds, _)) => finding("metrics", Sign::Pass, format!("the newest sample is {} old", age(*seconds))),
    }
}

/// Names, the first few of them.
fn several(mut names: Vec<&str>) -> String {
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    names.join(", ") + &more
}

fn percent(part: f64) -> String {
    let text = format!("{:.2}", part * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::domain::id::{Key, Kind};
    use crate::domain::release::{Replicas, Way};

    fn release(name: &str, phase: Phase) -> Release {
        Release {
            key: Key::new(Kind::Rollout, "shop", name),
            uid: name.into(),
            way: Way::Canary,
            phase,
            message: "".into(),
            step: None,
            weight: None,
            shown_weight: Some(25),
            revision: None,
            stable_revision: None,
            aborted: phase == Phase::Degraded,
            promoted: phase == Phase::Healthy,
            promoting_full: false,
            waiting_for: None,
            until: None,
            next_weight: None,
            images: Vec::new(),
            replicas: Replicas::default(),
            since: None,
            managed_by: None,
            why: Some("aborted: errors".into()),
            odd: None,
        }
    }

    fn alert(name: &str, state: AlertState, severity: &str) -> Alert {
        let labels = vec![("severity".into(), severity.into())];
        Alert { name: name.into(), state, since: None, labels, summary: None, query: "".into(), problem: None }
    }

    fn calm<'a>() -> Evidence<'a> {
        Evidence {
            subject: None,
            releases: &[],
            alerts: Known::Is(Vec::new()),
            ruled: true,
            budgets: Known::Is(vec![("gateway".into(), 0.995)]),
            wanted: BUDGET,
            frozen: Vec::new(),
            sampled: Known::Is((12, 90)),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    #[track_caller]
    fn says(evidence: &Evidence<'_>, name: &str, sign: Sign, words: &str) {
        let findings = go(evidence);
        let found = findings.iter().find(|finding| finding.name == name).unwrap();
        assert_eq!((found.sign, found.words.as_str()), (sign, words));
        assert_eq!(verdict(&findings), sign.max(Sign::Pass));
    }

    #[test]
    fn a_calm_environment_is_a_go() {
        assert_eq!(verdict(&go(&calm())), Sign::Pass);
        says(&calm(), "budget", Sign::Pass, "gateway has 99.5 % left; more than 99 % is wanted");
        says(&calm(), "metrics", Sign::Pass, "the newest sample is 12s old");
    }

    #[test]
    fn what_fires_is_a_no_go_and_what_only_shows_that_alerts_arrive_is_none() {
        let all = [
            alert("Watchdog", AlertState::Firing, "none"),
            alert("Slow", AlertState::Pending, "critical"),
            alert("Burn", AlertState::Firing, "page"),
        ];
        let with = |count: usize| Evidence { alerts: Known::Is(all.iter().take(count).collect()), ..calm() };
        says(&with(1), "alerts", Sign::Pass, "none firing");
        says(&with(2), "alerts", Sign::Warn, "pending or for information: Slow");
        says(&with(3), "alerts", Sign::NoGo, "firing: Burn");
        let bare = Evidence { ruled: false, ..calm() };
        says(&bare, "alerts", Sign::Warn, "the metrics server has no alerting rule: nothing that it knows of would fire");
        let unread = Evidence { alerts: Known::Unknown("no API".into()), ..calm() };
        says(&unread, "alerts", Sign::Unknown, "no API");
    }

    #[test]
    fn a_budget_has_to_be_left_and_measured() {
        let with = |budgets| Evidence { budgets, ..calm() };
        let least = Known::Is(vec![("gateway".into(), 0.999), ("search".into(), 0.99)]);
        says(&with(least), "budget", Sign::NoGo, "search has 99 % left, the least of 2; more than 99 % is wanted");
        says(&with(Known::Is(vec![("x".into(), -0.2)])), "budget", Sign::NoGo, "x has -20 % left; more than 99 % is wanted");
        says(&with(Known::Unknown("no answer".into())), "budget", Sign::Unknown, "no answer");
        says(&with(Known::Absent("no [slo]")), "budget", Sign::Absent, "no [slo]");
    }

    #[test]
    fn what_moves_is_looked_at_and_the_subject_has_to_stand_still() {
        let all = [release("gateway", Phase::Paused), release("web", Phase::Degraded), release("api", Phase::Healthy)];
        let about = |subject| Evidence { subject, releases: &all, ..calm() };
        says(&about(None), "releases", Sign::Warn, "under way: gateway; degraded: web");
        says(&about(Some(&all[2])), "releases", Sign::Warn, "under way: gateway; degraded: web");
        says(&about(Some(&all[0])), "releases", Sign::NoGo, "gateway has a release under way, at 25 %");
        says(&about(Some(&all[1])), "releases", Sign::NoGo, "web is degraded: aborted: errors");
    }

    #[test]
    fn frozen_is_a_no_go_and_old_metrics_cannot_tell() {
        let until = Timestamp::UNIX_EPOCH + 7200.seconds();
        says(
            &Evidence { frozen: vec![("night", until)], ..calm() },
            "freeze",
            Sign::NoGo,
            "night until 1970-01-01 02:00 UTC (120m)",
        );
        says(
            &Evidence { sampled: Known::Is((100, 90)), ..calm() },
            "metrics",
            Sign::Unknown,
            "the newest sample is 100s old, more than 90s",
        );
        let both = Evidence { frozen: vec![("night", until)], sampled: Known::Unknown("down".into()), ..calm() };
        assert_eq!(verdict(&go(&both)), Sign::NoGo);
    }
}
