//! What the look at an environment means: which of its findings are in order, which need somebody, and what to do.

use jiff::Timestamp;
use serde::Serialize;

use super::{Check, Verdict};
use crate::domain::duration::age;
use crate::domain::fact::Reading;
use crate::domain::id::Kind;
use crate::source::kube::checkup::{Answer, Checkup, Credentials, Right};

/// Clocks further apart than this are worth a word; below it the whole seconds of a `Date` header hide the difference.
const APART_MS: i64 = 2_000;
/// Credentials that end sooner than this are worth a word, in seconds.
const SOON: i64 = 600;
/// What can be done with guards, and what of their Leases it needs.
const GUARDS: [(&str, &[&str]); 3] = [
    ("none can be armed", &["get", "create", "update", "delete"]),
    ("those of others cannot be seen", &["list", "watch"]),
    ("none can be cancelled", &["get", "patch"]),
];

/// An environment as `--json` says it.
#[derive(Debug, Serialize)]
pub struct Environment<'a> {
    name: &'a str,
    context: Option<&'a str>,
    server: Option<&'a str>,
    reachable: bool,
    latency_ms: Option<u32>,
    server_version: Option<&'a str>,
    clock_skew_seconds: Option<f64>,
    user: Option<&'a str>,
    credentials: &'static str,
    credentials_end: Option<Timestamp>,
    kinds: Vec<KindFound>,
    rights: Vec<RightFound<'a>>,
}

#[derive(Debug, Serialize)]
struct KindFound {
    kind: &'static str,
    state: &'static str,
}

#[derive(Debug, Serialize)]
struct RightFound<'a> {
    verb: &'static str,
    resource: String,
    namespace: Option<&'a str>,
    allowed: Option<bool>,
}

impl<'a> From<&'a Checkup> for Environment<'a> {
    fn from(found: &'a Checkup) -> Self {
        let answer = found.link.as_ref().ok();
        #[expect(clippy::cast_precision_loss, reason = "a clock that is 285,000 years off may be said inexactly")]
        let skew = answer.map(|answer| answer.clock_skew_ms as f64 / 1e3);
        Self {
            name: &found.environment,
            context: found.context.as_deref(),
            server: found.server.as_deref(),
            reachable: answer.is_some(),
            latency_ms: answer.map(|answer| answer.millis),
            server_version: answer.and_then(|answer| answer.version.as_deref()),
            clock_skew_seconds: skew,
            user: answer.and_then(|answer| answer.user.as_deref()),
            credentials: found.credentials.kind,
            credentials_end: found.credentials.ends,
            kinds: found.kinds.iter().map(|(kind, reading)| KindFound { kind: kind.name(), state: state(reading) }).collect(),
            rights: found.rights.iter().map(right).collect(),
        }
    }
}

fn right(right: &Right) -> RightFound<'_> {
    RightFound { verb: right.verb, resource: resource(right), namespace: right.namespace.as_deref(), allowed: right.allowed }
}

fn state(reading: &Reading) -> &'static str {
    match reading {
        Reading::Live => "live",
        Reading::Narrowed(_) => "narrowed",
        Reading::Loading => "loading",
        Reading::NotInstalled => "not_installed",
        Reading::Denied(_) => "denied",
        Reading::Failing(_) => "failing",
    }
}

/// The lines about one environment.
pub fn checks(found: &Checkup, now: Timestamp) -> Vec<Check> {
    let mut lines = vec![connection(found)];
    if let Ok(answer) = &found.link {
        lines.push(version(answer));
        lines.push(clock(answer));
    }
    if found.server.is_some() {
        lines.push(credentials(&found.credentials, now));
    }
    lines.extend(found.kinds.iter().map(|(kind, reading)| self::kind(*kind, reading, &found.kinds)));
    lines.extend(rights(&found.rights));
    lines.extend(guards(&found.rights));
    lines
        .into_iter()
        .map(|(name, verdict, text)| Check { environment: Some(found.environment.clone()), name, verdict, text })
        .collect()
}

type Line = (&'static str, Verdict, String);

fn connection(found: &Checkup) -> Line {
    let context = found.context.as_ref().map_or(String::new(), |context| format!(" (context {context})"));
    match (&found.link, &found.server) {
        (Ok(answer), server) => {
            let server = server.as_deref().unwrap_or("the server");
            let user = answer.user.as_ref().map_or(String::new(), |user| format!(" to {user}"));
            ("connection", Verdict::Ok, format!("{server}{context} answers{user} in {} ms", answer.millis))
        }
        (Err(reason), Some(server)) => ("connection", Verdict::Fail, format!("{server}{context}: {reason}")),
        (Err(reason), None) => ("connection", Verdict::Fail, format!("{reason}. See kubectl config get-contexts")),
    }
}

fn version(answer: &Answer) -> Line {
    match &answer.version {
        Some(version) => ("version", Verdict::Ok, format!("Kubernetes {version}")),
        None => ("version", Verdict::Warn, "the server does not tell its version".to_owned()),
    }
}

fn clock(answer: &Answer) -> Line {
    let skew = answer.clock_skew_ms;
    if skew.abs() <= APART_MS {
        return ("clock", Verdict::Ok, "the cluster's clock and this one agree".to_owned());
    }
    let direction = if skew > 0 { "ahead of" } else { "behind" };
    let apart = age(skew.abs() / 1_000);
    ("clock", Verdict::Warn, format!("the cluster's clock is {apart} {direction} this one; countdowns follow the cluster's"))
}

fn credentials(found: &Credentials, now: Timestamp) -> Line {
    let Some(ends) = found.ends else {
        return ("credentials", Verdict::Ok, format!("{}, no end known", found.kind));
    };
    let left = ends.duration_since(now).as_secs();
    match left {
        ..=0 => ("credentials", Verdict::Warn, format!("{}, ended {} ago: log in again", found.kind, age(-left))),
        1..=SOON => ("credentials", Verdict::Warn, format!("{}, ends in {}", found.kind, age(left))),
        _ => ("credentials", Verdict::Ok, format!("{}, ends in {}", found.kind, age(left))),
    }
}

/// Rollouts or canaries are needed, one of them; everything else only makes the picture richer.
fn kind(kind: Kind, reading: &Reading, all: &[(Kind, Reading)]) -> Line {
    let is_needed = |kind| matches!(kind, Kind::Rollout | Kind::Canary);
    let is_read = |reading: &Reading| matches!(reading, Reading::Live | Reading::Narrowed(_));
    let has_one = all.iter().any(|(kind, reading)| is_needed(*kind) && is_read(reading));
    let missing = if is_needed(kind) && !has_one { Verdict::Fail } else { Verdict::Warn };
    match reading {
        Reading::Live => (kind.plural(), Verdict::Ok, "can be read".to_owned()),
        Reading::Narrowed(reason) => (kind.plural(), Verdict::Warn, reason.clone()),
        Reading::NotInstalled if is_needed(kind) && !has_one => {
            (kind.plural(), Verdict::Fail, "not installed, and neither is the other kind: there is nothing to show".to_owned())
        }
        Reading::NotInstalled => (kind.plural(), Verdict::Absent, "not installed".to_owned()),
        Reading::Denied(reason) => (kind.plural(), missing, format!("{reason}; ask for list and watch")),
        Reading::Failing(reason) => (kind.plural(), missing, reason.clone()),
        Reading::Loading => (kind.plural(), missing, "no answer in time".to_owned()),
    }
}

/// What may be done. Nothing here is needed for watching but list and watch, which the kinds above have shown.
fn rights(found: &[Right]) -> Option<Line> {
    let others: Vec<&Right> = found.iter().filter(|right| right.kind != Kind::Lease).collect();
    (!others.is_empty()).then(|| ("permissions", Verdict::Ok, said(&others)))
}

/// Whether guards can be armed, seen and cancelled: all three are done with their Leases.
fn guards(found: &[Right]) -> Option<Line> {
    let leases: Vec<&Right> = found.iter().filter(|right| right.kind == Kind::Lease).collect();
    let stops = GUARDS.iter().filter_map(|(what, verbs)| {
        let missing = leases.iter().filter(|right| verbs.contains(&right.verb) && right.allowed != Some(true));
        let missing: Vec<&Right> = missing.copied().collect();
        (!missing.is_empty()).then(|| format!("{what}: {}", said(&missing)))
    });
    let stops: Vec<String> = stops.collect();
    if leases.is_empty() {
        return None;
    }
    if stops.is_empty() {
        return Some(("guards", Verdict::Ok, "can be armed, seen and cancelled".to_owned()));
    }
    let text = format!("{}; ask for that in coordination.k8s.io, as the README says under Guarding", stops.join("; "));
    Some(("guards", Verdict::Warn, text))
}

fn said(found: &[&Right]) -> String {
    let parts = [("may ", Some(true)), ("may not ", Some(false)), ("no answer about ", None)];
    let text: Vec<String> = parts
        .into_iter()
        .map(|(words, allowed)| (words, by_verb(found.iter().copied().filter(|right| right.allowed == allowed))))
        .filter(|(_, rights)| !rights.is_empty())
        .map(|(words, rights)| format!("{words}{rights}"))
        .collect();
    text.join("; ")
}

/// Rights in words, those of one verb together, verbs for the same things together: `list and watch pods, events`.
fn by_verb<'a>(rights: impl Iterator<Item = &'a Right>) -> String {
    let mut verbs: Vec<(String, Vec<String>)> = Vec::new();
    for right in rights {
        let place = right.namespace.as_ref().map_or(String::new(), |namespace| format!(" in {namespace}"));
        let thing = resource(right) + &place;
        match verbs.iter_mut().find(|(verb, _)| verb == right.verb) {
            Some((_, things)) => things.push(thing),
            None => verbs.push((right.verb.to_owned(), vec![thing])),
        }
    }
    let mut merged: Vec<(String, Vec<String>)> = Vec::new();
    for (verb, things) in verbs {
        match merged.iter_mut().find(|(_, others)| *others == things) {
            Some((verbs, _)) => *verbs = format!("{verbs} and {verb}"),
            None => merged.push((verb, things)),
        }
    }
    merged.into_iter().map(|(verb, things)| format!("{verb} {}", things.join(", "))).collect::<Vec<_>>().join("; ")
}

fn resource(right: &Right) -> String {
    right.subresource.map_or_else(|| right.kind.plural().to_owned(), |part| format!("{}/{part}", right.kind.plural()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Checkup {
        let patch = |subresource, allowed| Right { verb: "patch", kind: Kind::Rollout, subresource, namespace: None, allowed };
        Checkup {
            environment: "prod".into(),
            context: Some("east".into()),
            server: Some("https://east.example".into()),
            link: Ok(Answer { millis: 12, version: Some("v1.34.4".into()), clock_skew_ms: 400, user: Some("dana".into()) }),
            credentials: Credentials { kind: "token", ends: None },
            kinds: vec![(Kind::Rollout, Reading::Live), (Kind::Canary, Reading::NotInstalled)],
            rights: vec![
                Right { verb: "list", ..patch(None, Some(true)) },
                Right { verb: "watch", ..patch(None, Some(true)) },
                patch(None, Some(true)),
                patch(Some("status"), Some(false)),
            ],
        }
    }

    fn lines(found: &Checkup) -> Vec<String> {
        let now = Timestamp::UNIX_EPOCH;
        checks(found, now).iter().map(|check| format!("{:?} {}: {}", check.verdict, check.name, check.text)).collect()
    }

    #[test]
    fn a_good_environment_is_said_in_a_few_lines() {
        assert_eq!(
            lines(&found()),
            [
                "Ok connection: https://east.example (context east) answers to dana in 12 ms",
                "Ok version: Kubernetes v1.34.4",
                "Ok clock: the cluster's clock and this one agree",
                "Ok credentials: token, no end known",
                "Ok rollouts: can be read",
                "Absent canaries: not installed",
                "Ok permissions: may list and watch and patch rollouts; may not patch rollouts/status",
            ]
        );
    }

    #[test]
    fn what_does_not_answer_fails_and_nothing_else_is_said_of_it() {
        let silent = Checkup { link: Err("connection refused".into()), kinds: vec![], rights: vec![], ..found() };
        assert_eq!(lines(&silent)[0], "Fail connection: https://east.example (context east): connection refused");
        assert_eq!(lines(&silent).len(), 2);
    }

    #[test]
    fn clocks_and_credentials_are_told_before_they_hurt() {
        let mut odd = found();
        let answer = odd.link.as_mut().unwrap();
        answer.clock_skew_ms = -95_000;
        odd.credentials.ends = Some(Timestamp::from_second(300).unwrap());
        assert_eq!(lines(&odd)[2], "Warn clock: the cluster's clock is 95s behind this one; countdowns follow the cluster's");
        assert_eq!(lines(&odd)[3], "Warn credentials: token, ends in 5m");
        odd.credentials.ends = Some(Timestamp::from_second(-60).unwrap());
        assert_eq!(lines(&odd)[3], "Warn credentials: token, ended 60s ago: log in again");
    }

    #[test]
    fn guards_need_leases() {
        let with = |refused: &[&str], unsure: &[&str]| {
            let allowed = |verb: &str| if unsure.contains(&verb) { None } else { Some(!refused.contains(&verb)) };
            let lease = |verb| Right { verb, kind: Kind::Lease, subresource: None, namespace: None, allowed: allowed(verb) };
            let verbs = ["get", "list", "watch", "create", "update", "delete", "patch"];
            let rights = found().rights.into_iter().chain(verbs.into_iter().map(lease)).collect();
            lines(&Checkup { rights, ..found() })
        };
        let all = with(&[], &[]);
        assert_eq!(all[6], "Ok permissions: may list and watch and patch rollouts; may not patch rollouts/status");
        assert_eq!(all[7], "Ok guards: can be armed, seen and cancelled");
        let ask = "; ask for that in coordination.k8s.io, as the README says under Guarding";
        let none =
            "none can be armed: may not create and update leases; those of others cannot be seen: no answer about watch leases";
        assert_eq!(with(&["create", "update"], &["watch"])[7], format!("Warn guards: {none}{ask}"));
        assert_eq!(with(&["patch"], &[])[7], format!("Warn guards: none can be cancelled: may not patch leases{ask}"));
    }

    #[test]
    fn one_of_the_two_kinds_is_needed() {
        let verdict = |rollouts: Reading, canaries: Reading| {
            let found = Checkup { kinds: vec![(Kind::Rollout, rollouts), (Kind::Canary, canaries)], ..found() };
            checks(&found, Timestamp::UNIX_EPOCH)[4].verdict
        };
        assert_eq!(verdict(Reading::NotInstalled, Reading::Live), Verdict::Absent);
        assert_eq!(verdict(Reading::Denied("no".into()), Reading::Live), Verdict::Warn);
        assert_eq!(verdict(Reading::Denied("no".into()), Reading::NotInstalled), Verdict::Fail);
        assert_eq!(verdict(Reading::NotInstalled, Reading::NotInstalled), Verdict::Fail);
    }
}
