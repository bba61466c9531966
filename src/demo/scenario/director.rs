//! Who plays the people of the company: writes their manifests, releases new versions, and makes services slow or wrong.
//! Everything it does goes through the same objects as a person's `kubectl`; the controllers do the rest.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::manifest::Plan;
use crate::demo::controller::Controller;
use crate::demo::managed::Author;
use crate::demo::metrics::{Metrics, Turn};
use crate::demo::part::{Part, Write};
use crate::demo::{Knob, Reconcile, Resource, Store, argocd};

/// How long a release that failed is left alone before the next one.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_mins(8);
/// Flagger takes a tick or two to see a change; a failure that it shows before that is an older one.
const FLAGGER_SEES: SignedDuration = SignedDuration::from_secs(75);

/// What the metrics see in full: so much of the past, and before that what lasted so long.
const RECENT: SignedDuration = SignedDuration::from_hours(2);
const AT_REST: SignedDuration = SignedDuration::from_secs(4);

/// Something that is done at a time.
#[derive(Clone, Debug)]
pub enum Act {
    /// An object is written by whoever bears this name.
    Create(Resource, Value, &'static str),
    /// The service of this number is given to Argo CD, with these objects in Git.
    Adopt(usize, Vec<(Resource, Value)>),
    /// A setting of the service of this number gets another value; its pods do not know.
    Set(usize, &'static str, &'static str),
    /// A version of the service of this number is released.
    Ship {
        service: usize,
        tag: String,
        /// Without its steps.
        fast: bool,
    },
    /// A metric has another value from now on; null is that of a healthy service.
    Metric(String, Value),
    /// The metrics are told something that no object says.
    Tell(Turn),
}

/// A service that is released again and again.
#[derive(Clone, Debug)]
pub struct Lane {
    pub service: usize,
    /// The version that runs, or the one on its way.
    pub version: (u32, u32, u32),
    /// When the next one comes; none while one is under way.
    pub next: Option<Timestamp>,
    /// Time between the end of one release and the next, at least.
    pub rest: SignedDuration,
    /// Metrics that its second release puts right.
    pub cures: Vec<String>,
    /// When the one under way began; nothing happens before.
    pub since: Timestamp,
    /// This lane has released something.
    pub shipped: bool,
}

/// The controllers of one environment and the people around them.
pub struct Director {
    controller: Controller,
    plans: Vec<Plan>,
    acts: BTreeMap<(Timestamp, usize), Act>,
    lanes: Vec<Lane>,
    random: fastrand::Rng,
    written: usize,
    told: Vec<Turn>,
}

impl Director {
    /// One for some services, which are written when the first act says so.
    pub fn new(plans: Vec<Plan>, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self {
            controller: Controller::new(),
            plans,
            acts: BTreeMap::new(),
            lanes: Vec::new(),
            random,
            written: 0,
            told: Vec::new(),
        }
    }

    /// Adds an act; those of one time come in the order in which they were added.
    pub fn at(&mut self, time: Timestamp, act: Act) {
        self.written += 1;
        self.acts.insert((time, self.written), act);
    }

    /// Adds a service that is released again and again.
    pub fn lane(&mut self, lane: Lane) {
        self.lanes.push(lane);
    }

    /// The release after the first one of the newest lane puts a metric right.
    pub fn cure_last(&mut self, metric: &str) {
        if let Some(lane) = self.lanes.last_mut() {
            lane.cures.push(metric.to_owned());
        }
    }

    /// The services.
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// The one source of chance for what people do.
    pub fn random(&mut self) -> &mut fastrand::Rng {
        &mut self.random
    }

    /// Lets everything happen up to a time, and the metrics see it.
    pub fn run_up(&mut self, (store, metrics): (&mut Store, &mut Metrics), from: Timestamp, to: Timestamp) {
        let mut time = from;
        let mut settle = |store: &mut Store, time: Timestamp| {
            let wake = self.settle(store, time);
            self.take_told().into_iter().for_each(|turn| metrics.turn(turn, time));
            // Of what is long past, only how it came to rest is of interest.
            let at_rest = wake.is_none_or(|wake| wake.duration_since(time) > AT_REST);
            if at_rest || time > to - RECENT {
                metrics.observe(store);
            }
            wake
        };
        loop {
            store.set_now(time);
            match settle(store, time) {
                Some(wake) if wake < to => time = wake.max(time + SignedDuration::from_millis(1)),
                _ => break,
            }
        }
        store.set_now(to);
        settle(store, to);
    }

    fn perform(&mut self, store: &mut Store, now: Timestamp, act: Act) {
        match act {
            Act::Create(resource, object, manager) => write(store, resource, object, manager),
            Act::Adopt(service, manifests) => self.adopt(store, service, manifests),
            Act::Set(service, key, value) => {
                let plan = &self.plans[service];
                let at = (plan.namespace.as_str(), format!("{}-settings", plan.name));
                let author = Author::Update(plan.keeper.manager());
                let change = |settings: &mut Value| settings["data"][key] = value.into();
                drop(store.edit_as(Resource::ConfigMap, (at.0, &at.1), author, change));
            }
            Act::Metric(name, value) => self.controller.set_metric(&name, value),
            Act::Tell(turn) => self.told.push(turn),
            Act::Ship { service, tag, fast } => {
                self.ship(store, service, &tag);
                if fast {
                    self.controller.settle(store, now);
                    self.finish(store, service);
                }
            }
        }
    }

    /// Puts a service into Git, and gives Argo CD the Application that keeps it so.
    fn adopt(&mut self, store: &mut Store, service: usize, manifests: Vec<(Resource, Value)>) {
        let plan = &self.plans[service];
        let Some(application) = plan.application() else { return };
        self.controller.git().push(&plan.instance(), manifests);
        write(store, Resource::Application, application, "argocd-server");
    }

    fn ship(&mut self, store: &mut Store, service: usize, tag: &str) {
        let plan = &self.plans[service];
        let (image, workload) = (plan.image(tag), plan.workload());
        let release = |workload: &mut Value| workload["spec"]["template"]["spec"]["containers"][0]["image"] = image.as_str().into();
        let application = plan.instance();
        if self.controller.git().source(&application).is_none() {
            let at = (plan.namespace.as_str(), plan.name.as_str());
            drop(store.edit_as(workload, at, Author::Update(plan.keeper.manager()), release));
            return;
        }
        // Pushed to Git; the pipeline then asks for the sync.
        self.controller.git().commit(&application, |(resource, object)| {
            if *resource == workload {
                release(object);
            }
        });
        let by = json!({ "initiatedBy": { "username": format!("{}-deploy", plan.team) }, "sync": {} });
        let at = (argocd::NAMESPACE, application.as_str());
        drop(store.edit_as(Resource::Application, at, Author::Update("argocd-server"), |object| object["operation"] = by));
    }

    /// Promotes a release past its steps.
    fn finish(&self, store: &mut Store, service: usize) {
        let plan = &self.plans[service];
        if plan.is_flagger() {
            return;
        }
        let (at, author) = ((plan.namespace.as_str(), plan.name.as_str()), Author::Update("kubectl-argo-rollouts"));
        drop(store.edit_as(Resource::Rollout, at, author, |rollout| {
            if rollout["status"]["currentPodHash"] != rollout["status"]["stableRS"] {
                rollout["status"]["promoteFull"] = true.into();
            }
        }));
    }

    /// Moves every lane on; says whether one of them has released something.
    fn move_lanes(&mut self, store: &mut Store, now: Timestamp) -> bool {
        let mut shipped = false;
        let mut lanes = std::mem::take(&mut self.lanes);
        for lane in lanes.iter_mut().filter(|lane| lane.since <= now) {
            if lane.next.is_none() {
                let rest = match self.outcome(store, lane, now) {
                    Some(true) => lane.rest + SignedDuration::from_secs(self.random.i64(0..30)),
                    Some(false) => AFTER_FAILURE,
                    None => continue,
                };
                lane.next = Some(now + rest);
            }
            if lane.next.is_some_and(|next| next <= now) {
                if lane.shipped {
                    lane.cures.drain(..).for_each(|name| self.controller.set_metric(&name, Value::Null));
                }
                lane.version = self.following(lane.version);
                (lane.next, lane.since, lane.shipped) = (None, now, true);
                self.ship(store, lane.service, &tag(lane.version));
                shipped = true;
            }
        }
        self.lanes = lanes;
        shipped
    }

    fn following(&mut self, (major, minor, patch): (u32, u32, u32)) -> (u32, u32, u32) {
        if self.random.u8(..3) == 0 { (major, minor, patch + 1) } else { (major, minor + 1, 0) }
    }

    /// How the release of a lane ended, if it has.
    fn outcome(&self, store: &Store, lane: &Lane, now: Timestamp) -> Option<bool> {
        let plan = &self.plans[lane.service];
        if !plan.is_flagger() {
            let rollout = store.get(Resource::Rollout, &plan.namespace, &plan.name)?;
            return match rollout["status"]["phase"].as_str()? {
                "Healthy" => Some(true),
                "Degraded" => Some(false),
                _ => None,
            };
        }
        let canary = store.get(Resource::Canary, &plan.namespace, &plan.name)?;
        let phase = canary["status"]["phase"].as_str()?;
        let primary = store.get(Resource::Deployment, &plan.namespace, &format!("{}-primary", plan.name))?;
        let is_new = primary["spec"]["template"]["spec"]["containers"][0]["image"] == *plan.image(&tag(lane.version));
        match phase {
            "Succeeded" if is_new => Some(true),
            "Failed" if now.duration_since(lane.since) > FLAGGER_SEES => Some(false),
            _ => None,
        }
    }
}

fn write(store: &mut Store, resource: Resource, object: Value, manager: &str) {
    let write = Write { part: Part::Whole, dry_run: false, author: Author::Update(manager) };
    drop(store.insert(resource, object, write));
}

/// A version as images carry it.
pub fn tag((major, minor, patch): (u32, u32, u32)) -> String {
    format!("v{major}.{minor}.{patch}")
}

impl Reconcile for Director {
    fn gate(&self, name: &str) -> Option<u16> {
        self.controller.gate(name)
    }

    fn turn(&mut self, knob: Knob) {
        self.controller.turn(knob);
    }

    fn take_told(&mut self) -> Vec<Turn> {
        let mut told = self.controller.take_told();
        told.append(&mut self.told);
        told
    }

    fn settle(&mut self, store: &mut Store, now: Timestamp) -> Option<Timestamp> {
        while let Some(entry) = self.acts.first_entry().filter(|entry| entry.key().0 <= now) {
            let act = entry.remove();
            self.perform(store, now, act);
        }
        let mut wake = self.controller.settle(store, now);
        if self.move_lanes(store, now) {
            wake = self.controller.settle(store, now);
        }
        let act = self.acts.keys().next().map(|(time, _)| *time);
        wake.into_iter().chain(act).chain(self.lanes.iter().filter_map(|lane| lane.next)).min()
    }
}
