//! What a verb would do to a release in the state in which it is: its plans, the first being the one to take, or the reason why
//! there is none. The one place that dialogs, disabled keys and commands ask.

use jiff::Timestamp;

use super::plan::{Do, Plan, Step, Until};
use super::verb::Verb;
use super::{allowed, flagger, ways};
use crate::domain::belongings::Belongings;
use crate::domain::id::Key;
use crate::domain::object::{self, Canary, Rollout};
use crate::domain::release::{Release, WaitingFor, Way};
use crate::domain::{signs, step, weight};

/// A release with everything that decides what can be done to it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The object.
    pub object: Either<'a>,
    /// What belongs to it.
    pub belongings: &'a Belongings,
    /// Its row.
    pub release: &'a Release,
    /// What is remembered of it.
    pub memory: &'a Memory,
    /// The cluster's time.
    pub now: Timestamp,
}

/// A Rollout or a Canary.
#[derive(Clone, Copy, Debug)]
pub enum Either<'a> {
    /// A Rollout.
    Rollout(&'a Rollout),
    /// A Flagger Canary.
    Canary(&'a Canary),
}

/// What is known of a release beyond its objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// Pod hashes that were stable before, from the ledger, newest first.
    pub stable_before: Vec<StableBefore>,
    /// The tool that writes the object.
    pub owner: Owner,
}

/// A pod hash that was stable once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StableBefore {
    /// The hash.
    pub hash: Box<str>,
    /// When it was known to be.
    pub at: Timestamp,
}

/// How the tool that manages an object does so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Whether it puts right by itself what others write.
    pub sync: Sync,
    /// Namespace and name of Argo CD's Application, if it was found.
    pub application: Option<(Box<str>, Box<str>)>,
}

/// Whether a tool syncs by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sync {
    /// It does.
    Automatic,
    /// Only when somebody tells it.
    Manual,
    /// Nobody knows: taken for automatic.
    #[default]
    Unknown,
}

/// What a person has to say beyond the verb.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// The revision to go back to.
    pub to_revision: Option<i64>,
    /// Container and image.
    pub image: Option<(String, String)>,
    /// The AnalysisRun to end.
    pub run: Option<String>,
}

/// What a verb offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The plans; the first one is taken unless another is chosen. Never empty.
    pub plans: Vec<Plan>,
    /// Whether none of them is certain enough to be taken unseen: somebody has to choose.
    pub choose: bool,
}

impl Offer {
    fn one(plan: Plan) -> Self {
        Self { plans: vec![plan], choose: false }
    }
}

impl Subject<'_> {
    /// The object's name.
    pub fn key(&self) -> &Key {
        &self.release.key
    }

    /// Words for the revision under way: `rev 14`, or the Canary's name.
    pub(super) fn newest(&self) -> String {
        self.release.revision.map_or_else(|| "the new version".to_owned(), |revision| format!("rev {revision}"))
    }

    /// Words for the stable revision.
    pub(super) fn stable(&self) -> String {
        self.release.stable_revision.map_or_else(|| "stable".to_owned(), |revision| format!("rev {revision}"))
    }
}

/// What a verb would do here, or in one clause why it cannot be done.
pub fn offer(verb: Verb, subject: &Subject<'_>, parameters: &Parameters) -> Result<Offer, String> {
    let rollout = match subject.object {
        Either::Canary(canary) => return flagger::offer(verb, canary, subject, parameters),
        Either::Rollout(rollout) => rollout,
    };
    allowed::allowed(verb, rollout, subject.belongings)?;
    Ok(match verb {
        Verb::Promote => Offer::one(promote(rollout, subject)),
        Verb::PromoteFull => Offer::one(promote_full(rollout, subject)),
        Verb::Hold => Offer::one(hold(rollout)),
        Verb::Resume => Offer::one(resume(rollout, subject)),
        Verb::Abort => Offer::one(ways::abort(rollout, subject)),
        Verb::Retry => Offer::one(retry(subject)),
        Verb::RollBack => ways::ways(rollout, subject, parameters.to_revision)?,
        Verb::Restart => Offer::one(restart(rollout, subject)),
        Verb::SkipStep => Offer::one(skip(rollout)),
        Verb::SetImage => Offer::one(set_image(rollout, subject, parameters)?),
        Verb::TerminateAnalysis => terminate(rollout, subject, parameters)?,
    })
}

/// `10→25 %`, or the revision that gets everything where there are no weights.
fn course(subject: &Subject<'_>, to: Option<i64>) -> String {
    match (subject.release.way, subject.release.shown_weight, to) {
        (Way::Canary, Some(from), Some(to)) => format!("{from}→{to} %"),
        (Way::Canary, None, Some(to)) => format!("to {to} %"),
        _ => format!("all traffic to {}", subject.newest()),
    }
}

fn promote(rollout: &Rollout, subject: &Subject<'_>) -> Plan {
    let undecided = signs::pause(rollout, "InconclusiveAnalysisRun").is_some();
    let decided_by_step =
        rollout.status.canary.current_step_analysis_run_status.as_ref().is_some_and(|run| &*run.status == "Inconclusive");
    let course = course(subject, weight::next(rollout));
    let last = step::steps(rollout).len();
    let index = step::index(rollout);
    let next = i64::try_from((index + 1).min(last)).unwrap_or(i64::MAX);
    let at_pause = matches!(step::current(rollout), Some(object::Step::Pause(_)));
    let (does, words) = if undecided && decided_by_step && last > 0 {
        (Do::StepTo(next), format!("accept the undecided analysis: go on from step {} of {last}", index + 1))
    } else if rollout.spec.paused && at_pause {
        // While it is held the controller forgets that a pause was ended, and would begin it anew: a step it does not forget.
        (Do::StepTo(next), format!("end the pause at step {} of {last}", index + 1))
    } else if subject.release.way == Way::BlueGreen {
        (Do::LiftPauses, format!("end the pause: all traffic to {}", subject.newest()))
    } else {
        (Do::LiftPauses, format!("end the pause at step {} of {last}", index + 1))
    };
    // For the same reason another pause is ended after the hold: it still waits there if a crash comes in between.
    let hold_first = does == Do::LiftPauses;
    let mut plan = Plan::simple(Verb::Promote, format!("promote {course}"), does, words, Until::MovedOn);
    if hold_first && rollout.spec.paused {
        plan.steps.insert(0, Step::new(Do::Hold(false), "lift the hold"));
    } else {
        lift_hold(rollout, &mut plan);
    }
    plan.after = format!("{} goes on: {course}", subject.newest()).into();
    if undecided && !decided_by_step {
        plan.left = Some("the background analysis that could not tell begins anew, and may stop it again".into());
    } else if signs::pause(rollout, "InconclusiveExperiment").is_some() {
        plan.left = Some("the experiment that could not tell begins anew; to go past it, skip the step".into());
    }
    plan
}

fn promote_full(rollout: &Rollout, subject: &Subject<'_>) -> Plan {
    let course = course(subject, Some(100));
    let words =
        format!("all traffic to {} as soon as all its pods are there; remaining steps and analyses are skipped", subject.newest());
    let mut plan = Plan::simple(Verb::PromoteFull, format!("promote {course}"), Do::PromoteFull, words, Until::Promoted);
    lift_hold(rollout, &mut plan);
    plan.after = format!("{} is stable", subject.newest()).into();
    plan
}

/// A held rollout that goes on is let go after the write that says how: a crash in between leaves it held.
fn lift_hold(rollout: &Rollout, plan: &mut Plan) {
    if rollout.spec.paused {
        let place = plan.steps.len().saturating_sub(1);
        plan.steps.insert(place, Step::new(Do::Hold(false), "then lift the hold"));
    }
}

fn hold(rollout: &Rollout) -> Plan {
    let mut plan =
        Plan::simple(Verb::Hold, "hold", Do::Hold(true), "stand still at the weight of now, until resumed", Until::Held(true));
    plan.after = "nothing moves; pods that die are replaced".into();
    plan.left = Some(match rollout.spec.strategy.blue_green {
        Some(_) => "pods are still scaled; the switch waits".into(),
        None => "a changed number of replicas takes effect only after the hold: autoscaling of both versions stops".into(),
    });
    plan
}

fn resume(rollout: &Rollout, subject: &Subject<'_>) -> Plan {
    let mut plan = Plan::simple(Verb::Resume, "resume", Do::Hold(false), "lift the hold", Until::Held(false));
    let paused = rollout.status.pause_conditions.as_ref().is_some_and(|pauses| !pauses.is_empty());
    let until = signs::until(rollout, subject.belongings, Some(WaitingFor::Time));
    let next = weight::next(rollout);
    let course = course(subject, next);
    // At a pause without an end it still waits for somebody, whose key asks the gates then.
    plan.advances = next.is_some() && !(paused && until.is_none());
    plan.after = match until {
        Some(end) if end <= subject.now => format!("the pause's timer has run out: goes on at once, {course}"),
        Some(end) => {
            format!("waits {} more, then {course}", crate::domain::duration::clock(end.duration_since(subject.now).as_secs()))
        }
        None if paused => "it still waits for somebody to promote it".to_owned(),
        None => format!("it goes on where it was, {course}"),
    }
    .into();
    plan
}

fn retry(subject: &Subject<'_>) -> Plan {
    let words = format!("begin {} anew, from the first step", subject.newest());
    let mut plan = Plan::simple(Verb::Retry, format!("retry {}", subject.newest()), Do::Retry, words, Until::Retried);
    plan.after = format!("{} goes through all its steps and analyses again", subject.newest()).into();
    plan
}

fn restart(rollout: &Rollout, subject: &Subject<'_>) -> Plan {
    let pods = subject.release.replicas.current;
    let words = format!("replace {pods} pods, a few at a time, within what is allowed to be unavailable");
    let mut plan = Plan::simple(Verb::Restart, format!("restart {pods} pods"), Do::Restart, words, Until::Restarted);
    plan.after = "the same revisions with new pods".into();
    if rollout.spec.paused {
        plan.left = Some("it stays held".into());
    }
    plan
}

fn skip(rollout: &Rollout) -> Plan {
    let (index, count) = (step::index(rollout), step::steps(rollout).len());
    let what = step::current(rollout).map(step::words).unwrap_or_default();
    let next = i64::try_from((index + 1).min(count)).unwrap_or(i64::MAX);
    let words = format!("go past step {} of {count} ({what}) without waiting for it", index + 1);
    let mut plan = Plan::simple(Verb::SkipStep, format!("skip {what}"), Do::StepTo(next), words, Until::MovedOn);
    let following = step::steps(rollout).get(index + 1).map(step::words);
    plan.after =
        following.map_or_else(|| "it goes to 100 %".to_owned(), |words| format!("step {} of {count}: {words}", index + 2)).into();
    plan
}

fn set_image(rollout: &Rollout, subject: &Subject<'_>, parameters: &Parameters) -> Result<Plan, String> {
    let (container, image) = parameters.image.as_ref().ok_or("say which: CONTAINER=IMAGE")?;
    if container.is_empty() || image.is_empty() || image.contains(char::is_whitespace) || image.contains('=') {
        return Err(format!("'{container}={image}' is not CONTAINER=IMAGE"));
    }
    if let Some(template) = &rollout.spec.template {
        let all = template.spec.init_containers.iter().chain(&template.spec.containers);
        let names: Vec<&str> = all.map(|container| &*container.name).collect();
        if container != "*" && !names.contains(&container.as_str()) {
            return Err(format!("there is no container '{container}'; there is {}", names.join(", ")));
        }
    }
    let what = rollout.spec.workload_ref.as_ref().map_or_else(String::new, |target| format!(" of {} {}", target.kind, target.name));
    let words = format!("write {image} into {container}{what}: a new revision begins");
    let does = Do::SetImage { container: container.as_str().into(), image: image.as_str().into() };
    let mut plan = Plan::simple(Verb::SetImage, format!("release {image}"), does, words, Until::AnotherTemplate);
    plan.after = "a new revision goes through its steps".into();
    plan.left = ways::owner_undoes(subject);
    Ok(plan)
}

fn terminate(rollout: &Rollout, subject: &Subject<'_>, parameters: &Parameters) -> Result<Offer, String> {
    let running = allowed::running_analyses(rollout, subject.belongings);
    let wanted = |name: &&str| parameters.run.as_deref().is_none_or(|run| run == *name);
    let plans: Vec<Plan> = running
        .iter()
        .map(|(name, _)| *name)
        .filter(wanted)
        .map(|name| {
            let does = Do::Terminate { run: name.into() };
            let words = format!("end AnalysisRun {name} with what it has measured");
            let until = Until::RunEnded(name.into());
            let mut plan = Plan::simple(Verb::TerminateAnalysis, format!("terminate {name}"), does, words, until);
            plan.after =
                "without a failed measurement it counts as successful: an analysis step then lets the release go on".into();
            let of_step = rollout.status.canary.current_step_analysis_run_status.as_ref();
            plan.advances = of_step.is_some_and(|run| *run.name == *name);
            plan
        })
        .collect();
    match (plans.is_empty(), &parameters.run) {
        (true, Some(run)) => Err(format!("no analysis '{run}' is running")),
        (true, None) => Err("no analysis is running".to_owned()),
        (false, _) => Ok(Offer { choose: plans.len() > 1, plans }),
    }
}
