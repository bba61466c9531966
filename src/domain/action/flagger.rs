//! The verbs for a Flagger Canary. Flagger has none of its own: a rollback is failed checks at the threshold, a promotion is the phase
//! `Promoting`, both at its next tick; gates are used where the Canary has them. A suspended Canary does nothing at all, so that is a
//! hold and never called a rollback.

use super::offer::{Offer, Parameters, Subject};
use super::plan::{Do, Gate, Plan, Step, Until};
use super::verb::Verb;
use super::ways::owner_undoes;
use crate::domain::flagger::{Stage, interval_seconds, stage};
use crate::domain::object::Canary;
use crate::domain::why::held_traffic_increase;

/// What a verb would do to a Canary, or why it cannot be done.
pub(super) fn offer(verb: Verb, canary: &Canary, subject: &Subject<'_>, parameters: &Parameters) -> Result<Offer, String> {
    let plan = match verb {
        Verb::Promote => promote(canary, subject)?,
        Verb::PromoteFull => promote_full(canary)?,
        Verb::Hold => hold(canary)?,
        Verb::Resume => resume(canary)?,
        Verb::Abort => back(verb, canary)?,
        Verb::RollBack => {
            if let Some(number) = parameters.to_revision {
                return Err(format!("Flagger keeps no revisions to go back to (asked for {number}): set the old image"));
            }
            back(verb, canary)?
        }
        Verb::Retry => retry(canary, subject)?,
        Verb::SetImage => set_image(canary, subject, parameters)?,
        Verb::Restart => return Err("Flagger would take new pods for a new release".to_owned()),
        Verb::SkipStep => {
            return Err("Flagger takes its weight from the route: a step cannot be skipped; promote to 100 % instead".to_owned());
        }
        Verb::TerminateAnalysis => return Err("Flagger's analysis is no object of its own: abort it".to_owned()),
    };
    Ok(Offer { plans: vec![plan], choose: false })
}

fn promote(canary: &Canary, subject: &Subject<'_>) -> Result<Plan, String> {
    let held_increase = held_traffic_increase(canary, subject.belongings).is_some();
    let kind = match stage(canary) {
        Stage::Waiting => "confirm-rollout",
        Stage::WaitingPromotion => "confirm-promotion",
        Stage::Progressing if held_increase => "confirm-traffic-increase",
        Stage::Progressing => {
            let seconds = interval_seconds(canary);
            return Err(format!("Flagger goes on by itself every {seconds} s; F promotes it to 100 %"));
        }
        stage => return Err(idle(stage)),
    };
    let gates: Vec<&str> = canary.spec.analysis.webhooks.iter().filter(|hook| *hook.kind == *kind).map(|hook| &*hook.url).collect();
    if let Some(gate) = gates.iter().find_map(|url| gate(url, &canary.metadata.namespace, "/gate/check")) {
        let shut = Gate { open: false, ..gate.clone() };
        let words = format!("open the gate of {kind} at {}.{}", gate.service, gate.namespace);
        let mut plan = Plan::simple(Verb::Promote, "promote: open the gate", Do::Gate(gate), words, Until::FlaggerMoved);
        plan.steps.push(Step::new(Do::Gate(shut), "close it again, so that the next release waits too"));
        plan.after = format!("Flagger goes on at its next tick, within {} s", interval_seconds(canary)).into();
        lift(canary, &mut plan, 1);
        return Ok(plan);
    }
    if stage(canary) == Stage::WaitingPromotion {
        let mut plan = promote_full(canary)?;
        plan.verb = Verb::Promote;
        plan.effect = "promote".into();
        return Ok(plan);
    }
    let where_ = gates.first().map_or_else(|| "a hook that is gone".to_owned(), |url| (*url).to_owned());
    Err(format!("it waits for an approval service of your own: {where_}"))
}

fn promote_full(canary: &Canary) -> Result<Plan, String> {
    match stage(canary) {
        Stage::Progressing | Stage::WaitingPromotion => {}
        Stage::Waiting => return Err("it has not begun: open its gate first".to_owned()),
        stage => return Err(idle(stage)),
    }
    let words =
        format!("phase Promoting: the primary gets the new version at the next tick, within {} s", interval_seconds(canary));
    let mut plan = Plan::simple(Verb::PromoteFull, "promote to 100 %", Do::Promoting, words, Until::FlaggerSucceeded);
    plan.after = "the primary runs the new version; checks that are left are not made".into();
    lift(canary, &mut plan, 1);
    Ok(plan)
}

fn hold(canary: &Canary) -> Result<Plan, String> {
    if canary.spec.suspend {
        return Err("it is suspended already".to_owned());
    }
    match stage(canary) {
        Stage::Idle | Stage::Failed => return Err("nothing is on its way".to_owned()),
        Stage::Terminating => return Err("it is being deleted".to_owned()),
        Stage::Initializing
        | Stage::Waiting
        | Stage::Progressing
        | Stage::WaitingPromotion
        | Stage::Promoting
        | Stage::Finalising
        | Stage::Unknown => {}
    }
    let mut plan = Plan::simple(
        Verb::Hold,
        "hold",
        Do::Suspend(true),
        "suspend the Canary: weights and pods stay as they are",
        Until::Suspended(true),
    );
    plan.after = "nothing moves, and nothing is judged: a canary that goes bad is not rolled back while it is held".into();
    plan.left = owner_undoes_spec(canary);
    Ok(plan)
}

fn resume(canary: &Canary) -> Result<Plan, String> {
    if !canary.spec.suspend {
        return Err("it is not suspended".to_owned());
    }
    let mut plan = Plan::simple(Verb::Resume, "resume", Do::Suspend(false), "lift the suspension", Until::Suspended(false));
    plan.after = format!("Flagger goes on at its next tick, within {} s", interval_seconds(canary)).into();
    plan.advances = stage(canary) == Stage::Progressing;
    Ok(plan)
}

fn back(verb: Verb, canary: &Canary) -> Result<Plan, String> {
    match stage(canary) {
        Stage::Progressing | Stage::WaitingPromotion => {}
        Stage::Waiting => return Err("it has not begun: the primary has all traffic; leave its gate closed".to_owned()),
        Stage::Failed if canary.status.canary_weight >= 100 => {
            return Err("its promotion failed with all traffic on the canary: set the old image, or mend the primary".to_owned());
        }
        Stage::Failed => return Err("it is rolled back already".to_owned()),
        Stage::Promoting | Stage::Finalising => {
            return Err("the primary gets the new version just now: once that is done, set the old image".to_owned());
        }
        Stage::Idle => {
            return Err(
                "nothing is on its way; to go back from a promoted version set the old image: Flagger analyses it as a release"
                    .to_owned(),
            );
        }
        stage => return Err(idle(stage)),
    }
    let tick = interval_seconds(canary);
    let words = format!("failed checks to the threshold: Flagger rolls back at its next tick, within {tick} s");
    let effect = if verb == Verb::Abort { "abort" } else { "roll back" };
    let mut plan = Plan::simple(verb, effect, Do::FailChecks, words, Until::FlaggerFailed);
    plan.after = "the primary has all traffic, the canary has no pods".into();
    plan.left = Some(
        format!(
            "{} {} keeps the bad version in its template; Flagger ignores it until it changes",
            canary.spec.target_ref.kind, canary.spec.target_ref.name
        )
        .into(),
    );
    // Flagger does nothing while it is suspended, not even this.
    lift(canary, &mut plan, 1);
    Ok(plan)
}

fn retry(canary: &Canary, subject: &Subject<'_>) -> Result<Plan, String> {
    if stage(canary) != Stage::Failed {
        return Err("it has not failed".to_owned());
    }
    let target = &canary.spec.target_ref;
    let words = format!("mark the pod template of {} {}: Flagger takes it for a change and begins anew", target.kind, target.name);
    let mut plan = Plan::simple(Verb::Retry, "retry", Do::Touch, words, Until::FlaggerMoved);
    plan.after = "the same version goes through its whole analysis again".into();
    plan.left = owner_undoes(subject);
    Ok(plan)
}

fn set_image(canary: &Canary, subject: &Subject<'_>, parameters: &Parameters) -> Result<Plan, String> {
    let (container, image) = parameters.image.as_ref().ok_or("say which: CONTAINER=IMAGE")?;
    if container.is_empty() || image.is_empty() || image.contains(char::is_whitespace) || image.contains('=') {
        return Err(format!("'{container}={image}' is not CONTAINER=IMAGE"));
    }
    let target = &canary.spec.target_ref;
    let words = format!("write {image} into {container} of {} {}", target.kind, target.name);
    let does = Do::SetImage { container: container.as_str().into(), image: image.as_str().into() };
    let mut plan = Plan::simple(Verb::SetImage, format!("release {image}"), does, words, Until::AnotherTemplate);
    plan.after = "Flagger analyses it as a new release".into();
    plan.left = owner_undoes(subject);
    if stage(canary) == Stage::Progressing {
        plan.left = Some("the image that is promoted already is no change for Flagger: then the analysis under way goes on".into());
    }
    Ok(plan)
}

/// Adds the end of the suspension after so many steps: after the write, so that it counts when Flagger looks.
fn lift(canary: &Canary, plan: &mut Plan, place: usize) {
    if canary.spec.suspend {
        plan.steps.insert(place.min(plan.steps.len()), Step::new(Do::Suspend(false), "then lift the suspension"));
    }
}

fn owner_undoes_spec(canary: &Canary) -> Option<Box<str>> {
    let owner = crate::domain::managed::managed_by(&canary.metadata)?;
    Some(format!("{} keeps this object and may lift the suspension", owner.name).into())
}

fn idle(stage: Stage) -> String {
    match stage {
        Stage::Idle => "nothing is on its way",
        Stage::Failed => "it has failed and was rolled back: retry it",
        Stage::Promoting | Stage::Finalising => "it is being promoted already",
        Stage::Initializing => "Flagger is still setting it up",
        Stage::Terminating => "it is being deleted",
        Stage::Waiting | Stage::Progressing | Stage::WaitingPromotion | Stage::Unknown => {
            "Flagger is in a phase that this program does not know"
        }
    }
    .to_owned()
}

/// A gate of Flagger's load tester behind a hook's URL: only where its path is that of the load tester can it be opened.
fn gate(url: &str, home: &str, path: &str) -> Option<Gate> {
    let rest = url.strip_prefix("http://")?;
    let (host, found) = rest.split_at(rest.find('/')?);
    if found.trim_end_matches('/') != path {
        return None;
    }
    let (host, port) = match host.split_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (host, 80),
    };
    let mut parts = host.split('.');
    let service = parts.next().filter(|service| !service.is_empty())?;
    let namespace = parts.next().unwrap_or(home);
    Some(Gate { namespace: namespace.into(), service: service.into(), port, open: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_known_by_the_load_testers_paths() {
        let at = |url| gate(url, "shop", "/gate/check").map(|gate| format!("{}/{}:{}", gate.namespace, gate.service, gate.port));
        assert_eq!(at("http://flagger-loadtester.test/gate/check").as_deref(), Some("test/flagger-loadtester:80"));
        assert_eq!(at("http://tester:8080/gate/check").as_deref(), Some("shop/tester:8080"));
        assert_eq!(at("http://tester.test.svc.cluster.local/gate/check").as_deref(), Some("test/tester:80"));
        assert_eq!((at("http://approvals.example/ask"), at("https://x/gate/check"), at("http:///gate/check")), (None, None, None));
    }
}
