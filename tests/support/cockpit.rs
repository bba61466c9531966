//! A cockpit without a terminal, on releases to which something can be done: facts, keys, answers and reports in, effects and state out.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use pilothouse::app::{Dialog, Effect, Env, Mouse, MouseKind, Msg, Overlay, Review, State, update};
use pilothouse::config::{Environment, Settings, Tier};
use pilothouse::domain::action::{Act, Outcome, Permission, Report, Reviewed, What};
use pilothouse::domain::fact::{Fact, Health, Link, News, Object, Reading};
use pilothouse::domain::id::{EnvironmentId, Kind};
use pilothouse::domain::object::decode_value;
use pilothouse::input::{Code, KeyPress, Keymap};
use ratatui::layout::Size;
use serde_json::{Value, json};

/// The environment that is shown.
pub const PROD: EnvironmentId = EnvironmentId(0);

/// Keys for what has none of its own.
pub const KEYS: &str = r#"
"act.retry" = ["T"]
"act.restart" = ["X"]
"act.skip-step" = ["S"]
"act.set-image" = ["I"]
"act.terminate-analysis" = ["E"]
"#;

pub struct Cockpit {
    pub state: State,
    pub env: Env,
    pub effects: Vec<Effect>,
}

/// The settings of one environment in production.
pub fn settings() -> Settings {
    let environment = Environment { name: "prod".to_owned(), tier: Tier::Prod, ..Environment::current() };
    Settings { environments: vec![environment], ..Settings::default() }
}

pub fn now() -> Timestamp {
    "2026-03-02T14:03:22Z".parse().unwrap()
}

pub fn ago(seconds: i64) -> String {
    (now() - SignedDuration::from_secs(seconds)).to_string()
}

impl Cockpit {
    /// Nothing is known yet.
    pub fn new(settings: &Settings) -> Self {
        let keymap = Keymap::read(KEYS).unwrap();
        let state = State::new(settings, Arc::new(keymap), Size::new(140, 40), now());
        Self { state, env: Env { themes: Vec::new(), bell: true }, effects: Vec::new() }
    }

    /// One release in production, read and at rest.
    pub fn on(news: Vec<News>) -> Self {
        Self::with(&settings(), news)
    }

    pub fn with(settings: &Settings, news: Vec<News>) -> Self {
        let mut cockpit = Self::new(settings);
        cockpit.live();
        cockpit.hear(vec![News::Reading(Kind::Rollout, Reading::Live), News::Reading(Kind::Canary, Reading::Live)]);
        cockpit.hear(news);
        cockpit.wait(1);
        cockpit.effects.clear();
        cockpit
    }

    /// A probe was answered just now.
    pub fn live(&mut self) {
        let health = Health { at: self.state.now, state: Link::Up { millis: 3 }, clock_skew_ms: 0 };
        self.hear(vec![News::Health(health)]);
    }

    pub fn tell(&mut self, msg: Msg) {
        // That the ledger is read again says nothing about what is done.
        let effects = update(&mut self.state, &self.env, msg).into_iter().filter(|effect| *effect != Effect::ReadLedger);
        self.effects.extend(effects);
    }

    pub fn hear(&mut self, news: Vec<News>) {
        let facts = news.into_iter().map(|news| Fact { environment: PROD, epoch: 1, news }).collect();
        self.tell(Msg::Facts(facts));
    }

    /// Lets seconds pass.
    pub fn wait(&mut self, seconds: i64) {
        let now = self.state.now + SignedDuration::from_secs(seconds);
        self.tell(Msg::Tick(now));
    }

    /// Presses keys: characters, and names between angle brackets. Gives the effects since it was last asked.
    pub fn press(&mut self, keys: &str) -> Vec<Effect> {
        let mut rest = keys;
        while let Some(letter) = rest.chars().next() {
            let (key, tail) = match rest.strip_prefix('<').and_then(|named| named.split_once('>')) {
                Some((name, tail)) => (name.parse().unwrap(), tail),
                None => (KeyPress::plain(Code::Char(letter)), &rest[letter.len_utf8()..]),
            };
            self.tell(Msg::Key(key));
            rest = tail;
        }
        std::mem::take(&mut self.effects)
    }

    /// As `press`, of which only acts are given.
    pub fn acts(&mut self, keys: &str) -> Vec<Act> {
        acts(self.press(keys))
    }

    pub fn click(&mut self, (column, row): (u16, u16)) -> Vec<Effect> {
        self.tell(Msg::Mouse(Mouse { what: MouseKind::Press, column, row }));
        std::mem::take(&mut self.effects)
    }

    /// Opens a dialog and gives what it asks.
    pub fn opens(&mut self, keys: &str) -> Review {
        let mut effects = self.press(keys).into_iter();
        let asked = effects.find_map(|effect| if let Effect::Review(review) = effect { Some(*review) } else { None });
        asked.unwrap_or_else(|| panic!("'{keys}' opens no dialog: {:?}", self.said()))
    }

    /// Opens a dialog and answers it: everything is allowed.
    pub fn opens_allowed(&mut self, keys: &str) {
        let review = self.opens(keys);
        self.answer(&review, allowed(&review));
    }

    pub fn answer(&mut self, review: &Review, reviewed: Reviewed) {
        self.tell(Msg::Reviewed { number: review.number, reviewed: Box::new(reviewed) });
    }

    /// Something is heard of an act, now.
    pub fn report(&mut self, act: &Act, what: What) {
        self.tell(Msg::Acted(Report { act: act.number, at: self.state.now, what }));
    }

    /// An act goes well, a second for each step.
    pub fn succeeds(&mut self, act: &Act) {
        self.report(act, What::Recorded("2026-03/41".to_owned()));
        for (place, step) in act.plan.steps.iter().enumerate() {
            if matches!(step.does, pilothouse::domain::action::Do::Await(_)) {
                self.report(act, What::Progress(place, "canary still has 10 % of the traffic".to_owned()));
                self.wait(1);
                self.report(act, What::Observed(place));
            } else {
                self.report(act, What::Sent(place));
                self.report(act, What::Accepted(place));
            }
        }
        self.report(act, What::Ended(Outcome::Observed("traffic off the new revision".to_owned())));
    }

    pub fn said(&self) -> &str {
        self.state.toast.as_ref().map_or("", |toast| &toast.text)
    }

    pub fn dialog(&self) -> &Dialog {
        self.state.dialog().unwrap_or_else(|| panic!("no dialog: {:?}, '{}'", self.state.overlay, self.said()))
    }

    pub fn marks(&self) -> bool {
        matches!(self.state.overlay, Some(Overlay::Marks(_)))
    }

    /// Everything that the window of a dialog or of marks says.
    pub fn window(&self) -> String {
        let page = self.state.layout().unwrap().page.expect("a window");
        let rows = page.rows.iter().map(|row| format!("{} {} {}", row.label, row.words, row.right));
        let buttons = page
            .buttons
            .iter()
            .map(|button| format!("[{} {}{}]", button.key, button.words, if button.alive { "" } else { ": not now" }));
        rows.chain(buttons).collect::<Vec<_>>().join("\n")
    }

    pub fn footer(&self) -> Vec<String> {
        let hints = self.state.layout().unwrap().hints;
        hints.iter().map(|hint| format!("{} {}{}", hint.key, hint.words, if hint.alive { "" } else { " (not now)" })).collect()
    }
}

pub fn acts(effects: Vec<Effect>) -> Vec<Act> {
    effects.into_iter().filter_map(|effect| if let Effect::Act(act) = effect { Some(*act) } else { None }).collect()
}

/// Everything that was asked is allowed, the cluster is the same, and the ledger can be written.
pub fn allowed(review: &Review) -> Reviewed {
    let permissions = review.accesses.iter().map(|access| Permission { access: access.clone(), allowed: Ok(true) }).collect();
    Reviewed { permissions, user: Some("dana".to_owned()), ..Reviewed::default() }
}

fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

/// `gateway` in the middle of its steps, at a pause without an end; `over` is laid over the object.
pub fn canary(over: Value) -> News {
    let mut value = json!({
        "metadata": {"namespace": "shop", "name": "gateway", "uid": "uid-gateway", "generation": 4,
            "annotations": {"rollout.argoproj.io/revision": "14"}},
        "spec": {"replicas": 10, "selector": {"matchLabels": {"app": "gateway"}},
            "template": {"spec": {"containers": [{"name": "app", "image": "registry.example/gateway:v1.3.0"}]}},
            "strategy": {"canary": {"trafficRouting": {"nginx": {}}, "steps": [{"setWeight": 25}, {"pause": {}}, {"setWeight": 50},
                {"analysis": {"templates": [{"templateName": "smoke"}]}}, {"setWeight": 75}, {"pause": {}}]}}},
        "status": {"phase": "Paused", "observedGeneration": "4", "currentPodHash": "bad", "stableRS": "good", "currentStepIndex": 1,
            "controllerPause": true, "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": ago(90)}],
            "replicas": 13, "updatedReplicas": 3, "readyReplicas": 13, "availableReplicas": 13,
            "canary": {"weights": {"canary": {"weight": 25}, "stable": {"weight": 75}}}},
    });
    merge(&mut value, over);
    News::Is(Object::Rollout(Arc::new(decode_value(&value))))
}

/// A ReplicaSet of it.
pub fn set(hash: &str, revision: i64, tag: &str, pods: i64) -> News {
    let owner = json!([{"kind": "Rollout", "name": "gateway", "uid": "uid-gateway", "controller": true}]);
    let value = json!({
        "metadata": {"namespace": "shop", "name": format!("gateway-{hash}"), "uid": format!("uid-{hash}"), "ownerReferences": owner,
            "creationTimestamp": ago(90_000 - revision * 600), "labels": {"rollouts-pod-template-hash": hash},
            "annotations": {"rollout.argoproj.io/revision": revision.to_string()}},
        "spec": {"replicas": pods, "template": {"spec": {"containers": [{"name": "app", "image": format!("registry.example/gateway:{tag}")}]}}},
        "status": {"replicas": pods, "readyReplicas": pods, "availableReplicas": pods},
    });
    News::Is(Object::ReplicaSet(Arc::new(decode_value(&value))))
}

/// It with its ReplicaSets: one to go back to, and one from before.
pub fn gateway(over: Value) -> Vec<News> {
    vec![canary(over), set("good", 13, "v1.2.9", 10), set("bad", 14, "v1.3.0", 3), set("old", 12, "v1.2.8", 0)]
}

/// Laid over it: all steps are done and the newest revision is stable.
pub fn promoted() -> Value {
    json!({"status": {"phase": "Healthy", "stableRS": "bad", "currentStepIndex": 6, "controllerPause": null, "pauseConditions": null,
        "updatedReplicas": 10, "replicas": 10, "availableReplicas": 10, "readyReplicas": 10,
        "canary": {"weights": {"canary": {"weight": 0}, "stable": {"weight": 100}}}}})
}

/// Laid over it: somebody or something aborted it.
pub fn aborted() -> Value {
    json!({"status": {"phase": "Degraded", "abort": true, "abortedAt": ago(30), "controllerPause": null, "pauseConditions": null,
        "message": "RolloutAborted: aborted",
        "conditions": [{"type": "Progressing", "status": "False", "reason": "RolloutAborted", "message": "Rollout aborted update to revision 14: Metric \"error-rate\" assessed Failed due to failed (3) > failureLimit (2)", "lastUpdateTime": ago(30)}],
        "canary": {"weights": {"canary": {"weight": 0}, "stable": {"weight": 100}}}}})
}

/// Laid over it: a person holds it.
pub fn held() -> Value {
    json!({"spec": {"paused": true}})
}

/// Laid over it: an analysis is under way.
pub fn analysed() -> Value {
    json!({"status": {"phase": "Progressing", "currentStepIndex": 3, "controllerPause": null, "pauseConditions": null,
        "canary": {"currentStepAnalysisRunStatus": {"name": "smoke-1", "status": "Running"},
            "currentBackgroundAnalysisRunStatus": {"name": "background-1", "status": "Running"}}}})
}

/// Laid over it: Argo CD writes it.
pub fn owned() -> Value {
    json!({"metadata": {"labels": {"argocd.argoproj.io/instance": "shop"}}})
}

/// A Flagger Canary in its analysis.
pub fn podinfo(phase: &str) -> News {
    let value = json!({
        "metadata": {"namespace": "edge", "name": "podinfo", "uid": "uid-podinfo"},
        "spec": {"provider": "istio", "targetRef": {"kind": "Deployment", "name": "podinfo"},
            "analysis": {"interval": "1m", "threshold": 5, "maxWeight": 50, "stepWeight": 10}},
        "status": {"phase": phase, "canaryWeight": if phase == "Progressing" { 30 } else { 0 }, "lastAppliedSpec": "x", "lastPromotedSpec": "y"},
    });
    News::Is(Object::Canary(Arc::new(decode_value(&value))))
}
