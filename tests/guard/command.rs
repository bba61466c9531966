//! `guard` as scripts and pods run it: processes on the embedded world, judged by its metrics or by a server that says what a story needs.

use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pilothouse::demo::{Options, Scenario};
use serde_json::{Value, json};

use crate::acts::stage::{Ran, Stage, User, path};
use crate::acts::states::paused;
use crate::support::metrics_server::{Script, start};

const SOON: Duration = Duration::from_secs(120);

/// Rules with which a test does not wait for long.
const QUICK: &str = "[guard]\nhold_after = \"20s\"\nbreach_after = \"75s\"\ncountdown = \"3s\"\nlease = \"3s\"\n";

/// A guard that runs.
pub struct Guard {
    child: Option<Child>,
    what: &'static str,
}

impl Guard {
    pub fn begin(user: &User, what: &'static str, arguments: &[&str]) -> Self {
        Self::of(user.begin(&[&["guard"], arguments].concat()), what)
    }

    /// The same, of a process that is there.
    pub fn of(child: Child, what: &'static str) -> Self {
        Self { child: Some(child), what }
    }

    pub fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().unwrap().id();
        kill(Pid::from_raw(i32::try_from(id).unwrap()), signal).unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub fn over(mut self) -> Ran {
        let mut child = self.child.take().unwrap();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > SOON {
                child.kill().unwrap();
                panic!("{} does not end: {:?}", self.what, Ran::of(child.wait_with_output().unwrap()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ran::of(child.wait_with_output().unwrap())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Somebody with an environment `prod` and this in the configuration.
pub fn user(stage: &Stage, name: &str, more: &str) -> User {
    let config = stage.config.with_file_name(format!("{name}.toml"));
    let environment = format!(
        "[[environment]]\nname = \"prod\"\ncontext = \"prod\"\nnamespaces = \"all\"\nkubeconfig = {:?}\n",
        stage.kubeconfig()
    );
    std::fs::write(&config, format!("{environment}{more}")).unwrap();
    User::new(&config)
}

/// The Lease of a Rollout's guard.
fn lease(stage: &Stage, namespace: &str, name: &str) -> Value {
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/pilothouse-guard.rollout.{name}");
    stage.admin.call("GET", &path, None).1
}

/// Waits until the Lease says this.
#[track_caller]
fn until_lease(stage: &Stage, namespace: &str, name: &str, is: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let lease = lease(stage, namespace, name);
        if is(&lease) {
            return lease;
        }
        assert!(begun.elapsed() < SOON, "{lease:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_state(state: &'static str) -> impl Fn(&Value) -> bool {
    move |lease| lease["metadata"]["annotations"]["pilothouse.dev/guard-state"] == state
}

/// The gateway fails 6 % of its requests for a minute already, and nobody analyses it.
fn errors() -> (Stage, String) {
    let stage = Stage::of(Options { scenario: Scenario::Errors, at: Duration::from_secs(60), ..Options::default() });
    let metrics = errors_metrics(&stage);
    (stage, metrics)
}

/// The errors as the world measures them.
pub fn errors_metrics(stage: &Stage) -> String {
    let url = stage.world.prometheus_urls.last().unwrap();
    format!(
        "[prometheus]\nurl = \"{url}\"\npreset = \"otel\"\ninterval = \"5s\"\nstale_after = \"40s\"\n[[signal]]\nname = \"errors\"\nwindow = \"30s\"\n\
         [[service]]\nname = \"*\"\nsignals = [\"errors\"]\n"
    )
}

#[test]
fn two_guards_on_a_canary_that_fails_take_it_back_once() {
    let (stage, metrics) = errors();
    let (one, two) = (user(&stage, "one", &(metrics.clone() + QUICK)), user(&stage, "two", &(metrics + QUICK)));
    stage.forget_requests();
    let first = Guard::begin(&one, "the first", &["edge/gateway", "--reason", "night release"]);
    until_lease(&stage, "edge", "gateway", |lease| lease["spec"].is_object());
    let second = Guard::begin(&two, "the second", &["edge/gateway", "--json"]);
    let (first, second) = (first.over(), second.over());
    first.is(1, "edge/gateway: the guard took it back");
    assert!(first.err.contains("holding it: errors") && first.err.contains("it is taken back in 0:03"), "{first:?}");
    assert_eq!(second.code, 1, "{second:?}");
    assert!(
        second.err.contains("it was taken back by somebody else") && second.out.contains("\"state\":\"standby\""),
        "{second:?}"
    );
    let at = path("edge", "gateway");
    assert_eq!(stage.count("patch", &format!("{at}/status")), 1, "one abort");
    assert_eq!(lease(&stage, "edge", "gateway")["code"], 404);
    let acts = one.acts();
    let verbs: Vec<&str> = acts.iter().map(|act| act["verb"].as_str().unwrap()).collect();
    assert_eq!(verbs, ["guard-arm", "pause", "rollback"], "{acts:?}");
    assert_eq!((&acts[0]["authority"], &acts[0]["reason"]), (&json!("cli"), &json!("night release")));
    assert!(acts[2]["reason"].as_str().unwrap().starts_with("guard: errors "), "{acts:?}");
    assert_eq!(two.acts().len(), 1, "the second only stood by");
    one.is_settled();
}

#[test]
fn when_the_holder_is_killed_the_other_takes_over_with_what_has_lasted() {
    let (stage, metrics) = errors();
    let rules = "[guard]\nhold_after = \"10s\"\nbreach_after = \"90s\"\ncountdown = \"2s\"\nlease = \"3s\"\n";
    let (one, two) = (user(&stage, "one", &(metrics.clone() + rules)), user(&stage, "two", &(metrics + rules)));
    let first = Guard::begin(&one, "the first", &["edge/gateway"]);
    let held = until_lease(&stage, "edge", "gateway", is_state("held"));
    let holder = held["spec"]["holderIdentity"].clone();
    let second = Guard::begin(&two, "the second", &["edge/gateway"]);
    std::thread::sleep(Duration::from_secs(3));
    stage.forget_requests();
    first.signal(Signal::SIGKILL);
    until_lease(&stage, "edge", "gateway", |lease| {
        let now = &lease["spec"]["holderIdentity"];
        now.is_string() && *now != holder
    });
    let second = second.over();
    second.is(1, "edge/gateway: the guard took it back");
    assert!(!second.err.contains("holding it"), "what is held is not held again: {second:?}");
    // Begun anew, it would have taken another minute and a half from here on.
    let evidence = second.err.lines().find(|line| line.contains("it is taken back in")).unwrap();
    assert!(evidence.contains("for 1:3"), "{evidence}");
    assert_eq!(stage.count("patch", &format!("{}/status", path("edge", "gateway"))), 1);
}

#[test]
fn when_the_holder_is_killed_in_its_countdown_the_other_goes_on_to_the_same_end() {
    let (stage, metrics) = errors();
    let rules = "[guard]\nhold_after = \"10s\"\nbreach_after = \"30s\"\ncountdown = \"45s\"\nlease = \"3s\"\n";
    let (one, two) = (user(&stage, "one", &(metrics.clone() + rules)), user(&stage, "two", &(metrics + rules)));
    let first = Guard::begin(&one, "the first", &["edge/gateway"]);
    let counting = until_lease(&stage, "edge", "gateway", is_state("countdown"));
    let second = Guard::begin(&two, "the second", &["edge/gateway"]);
    let end = |lease: &Value| {
        let text = lease["metadata"]["annotations"]["pilothouse.dev/guard-deadline"].as_str();
        text.unwrap_or_else(|| panic!("{lease:#}")).parse::<jiff::Timestamp>().unwrap()
    };
    let (seen, holder) = (end(&counting), &counting["spec"]["holderIdentity"]);
    // So long that it has read everything and stands by.
    std::thread::sleep(Duration::from_secs(10));
    first.signal(Signal::SIGKILL);
    let heir = until_lease(&stage, "edge", "gateway", |lease| lease["spec"]["holderIdentity"] != *holder);
    // Seconds are what people see, and what clocks are known to.
    assert!(end(&heir).duration_since(seen).as_secs().abs() <= 2, "{seen}, then {heir:#}");
    let second = second.over();
    second.is(1, "edge/gateway: the guard took it back");
    let acts = two.acts();
    let act = acts.iter().find(|act| act["verb"] == "rollback").unwrap_or_else(|| panic!("{acts:?}"));
    let at: jiff::Timestamp = act["time"].as_str().unwrap().parse().unwrap();
    let late = at.duration_since(seen).as_secs();
    assert!((-2..=15).contains(&late), "{late} s after {seen}: {second:?}");
    assert_eq!(stage.count("patch", &format!("{}/status", path("edge", "gateway"))), 1);
}

/// A metrics server whose errors are these over seconds since it began; None: it is away.
#[derive(Clone, Copy)]
pub struct Story(fn(f64) -> Option<f64>);

impl Script for Story {
    fn value(&self, query: &str, at: f64) -> Option<f64> {
        let errors = (self.0)(at.max(0.0))?;
        Some(if query.starts_with("bad") { errors * 100.0 } else { 100.0 })
    }

    fn is_away(&self, _request: u32, now: f64) -> bool {
        (self.0)(now).is_none()
    }
}

pub const BAD: Story = Story(|_| Some(0.05));
pub const WELL: Story = Story(|_| Some(0.001));

/// A metrics server and the one signal that is judged by it.
pub fn metrics(url: &str) -> String {
    format!(
        "[prometheus]\nurl = \"{url}\"\npreset = \"\"\ninterval = \"1s\"\ntimeout = \"2s\"\nstale_after = \"4s\"\n\
         [[signal]]\nname = \"errors\"\nkind = \"errors\"\nbad = 'bad{{hash=\"{{{{pod_hash}}}}\"}}'\n\
         total = 'total{{hash=\"{{{{pod_hash}}}}\"}}'\nthreshold = 0.01\nunit = \"ratio\"\nwindow = \"5s\"\n"
    )
}

/// A canary at a pause for a person, and somebody who guards it by a story.
fn stage(story: Story, rules: &str) -> (Stage, User) {
    let stage = Stage::empty(10.0);
    stage.admin.namespace("shop");
    paused(&stage, "shop", "web");
    stage.until_phase("shop", "web", "Paused: CanaryPauseStep");
    let metrics = metrics(&start(story)) + rules;
    let user = user(&stage, "story", &metrics);
    (stage, user)
}

fn rules(hold: u32, breach: u32, countdown: u32) -> String {
    format!("[guard]\nhold_after = \"{hold}s\"\nbreach_after = \"{breach}s\"\ncountdown = \"{countdown}s\"\nlease = \"3s\"\n")
}

fn written(stage: &Stage) -> u64 {
    stage.count("patch", &path("shop", "web")) + stage.count("patch", &format!("{}/status", path("shop", "web")))
}

#[test]
fn it_does_nothing_when_the_metrics_die() {
    // It would have held after a minute.
    let (stage, user) = stage(Story(|at| (at < 8.0).then_some(0.05)), &rules(3_600, 3_605, 3));
    stage.forget_requests();
    let ran = user.run(&["guard", "shop/web", "--hold-after", "58m", "--breach-for", "59m", "--timeout", "25s"]);
    ran.is(3, "was still on its way when the time was over");
    assert!(ran.err.contains("BLIND: "), "{ran:?}");
    assert_eq!(written(&stage), 0);
    assert_eq!(lease(&stage, "shop", "web")["code"], 404, "the Lease is given back");
    // Nor where the server was never there.
    let (stage, user) = self::stage(Story(|_| None), &rules(1, 2, 1));
    stage.forget_requests();
    let ran = user.run(&["guard", "shop/web", "--timeout", "30s"]);
    assert!(ran.code == 3 && ran.err.contains("BLIND: ") && written(&stage) == 0, "{ran:?}");
}

#[test]
fn a_countdown_stops_with_the_metrics_and_begins_anew_with_them() {
    let away = |at: f64| if (12.0..24.0).contains(&at) { None } else { Some(0.05) };
    let (stage, user) = stage(Story(away), &rules(1, 2, 20));
    let ran = user.run(&["guard", "shop/web", "--json"]);
    ran.is(1, "the guard took it back");
    let states: Vec<String> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|document| document["event"] == "state")
        .map(|document| document["state"].as_str().unwrap().to_owned())
        .collect();
    let mut order: Vec<&str> = states.iter().map(String::as_str).collect();
    order.dedup();
    let blind = order.iter().position(|state| *state == "blind").unwrap_or_else(|| panic!("{order:?}"));
    assert!(order[..blind].contains(&"countdown") && order[blind..].contains(&"countdown"), "{order:?}");
    assert_eq!(order.last(), Some(&"took-back"));
    drop(stage);
}

#[test]
fn a_signal_gives_the_lease_back() {
    let (stage, user) = stage(WELL, &rules(10, 20, 3));
    let guard = Guard::begin(&user, "the guard", &["shop/web"]);
    until_lease(&stage, "shop", "web", is_state("watching"));
    guard.signal(Signal::SIGTERM);
    let ran = guard.over();
    assert_eq!(ran.code, 143, "{ran:?}");
    assert_eq!(lease(&stage, "shop", "web")["code"], 404);
    let verbs: Vec<Value> = user.acts().iter().map(|act| act["verb"].clone()).collect();
    assert_eq!(verbs, ["guard-arm", "guard-disarm"]);
}

#[test]
fn kubectl_cancels_it_and_it_stays_off() {
    let (stage, user) = stage(BAD, &rules(3_600, 3_600, 3));
    let guard = Guard::begin(&user, "the guard", &["shop/web"]);
    until_lease(&stage, "shop", "web", is_state("breached"));
    stage.merge(&path("shop", "web"), &json!({ "metadata": { "annotations": { "pilothouse.dev/guard": "off" } } }));
    guard.over().is(1, "the guard was cancelled: the annotation pilothouse.dev/guard=off is on it");
    user.run(&["guard", "shop/web"]).is(1, "the annotation pilothouse.dev/guard=off forbids it");
    stage.merge(&path("shop", "web"), &json!({ "metadata": { "annotations": { "pilothouse.dev/guard": null } } }));
    user.run(&["guard", "shop/web"]).is(1, "guards of this version were cancelled by");
    let guard = Guard::begin(&user, "the guard", &["shop/web", "--over-cancel"]);
    until_lease(&stage, "shop", "web", is_state("breached"));
    guard.signal(Signal::SIGINT);
    assert_eq!(guard.over().code, 130);
}

#[test]
fn it_ends_with_its_version() {
    let (stage, user) = stage(WELL, &rules(10, 20, 3));
    let guard = Guard::begin(&user, "the guard", &["shop/web"]);
    until_lease(&stage, "shop", "web", is_state("watching"));
    // So long that it has seen something.
    std::thread::sleep(Duration::from_secs(5));
    stage.act("promote", "shop/web", &["--full"]).is(0, "");
    guard.over().is(0, "shop/web: the version is stable.");
    user.run(&["guard", "shop/web"]).is(0, "nothing is on its way");
    stage.release(&path("shop", "web"), "v3");
    let guard = Guard::begin(&user, "the guard", &["shop/web"]);
    until_lease(&stage, "shop", "web", is_state("watching"));
    stage.release(&path("shop", "web"), "v4");
    guard.over().is(1, "another version is on its way; the guard was bound to the one before");
    let guard = Guard::begin(&user, "the guard", &["shop/web"]);
    until_lease(&stage, "shop", "web", is_state("watching"));
    stage.act("abort", "shop/web", &[]).is(0, "");
    guard.over().is(1, "it was taken back by somebody else");
    user.run(&["guard", "shop/web"]).is(1, "it is aborted");
}

#[test]
fn a_dry_run_says_what_it_would_do_and_writes_nothing() {
    let (stage, user) = stage(BAD, &rules(1, 3, 1));
    stage.forget_requests();
    let ran = user.run(&["guard", "shop/web", "--dry-run"]);
    ran.is(1, "the guard would have taken it back");
    assert_eq!((written(&stage), lease(&stage, "shop", "web")["code"].clone()), (0, json!(404)));
    assert!(user.acts().is_empty());
}

#[test]
fn one_that_stays_guards_every_release_one_after_the_other() {
    let (stage, user) = stage(WELL, &rules(10, 20, 3));
    let guard = Guard::begin(&user, "the guard", &["shop/web", "--stay"]);
    let first = until_lease(&stage, "shop", "web", is_state("watching"));
    stage.release(&path("shop", "web"), "v3");
    let hash = |lease: &Value| lease["metadata"]["annotations"]["pilothouse.dev/guard-hash"].clone();
    until_lease(&stage, "shop", "web", |lease| lease["spec"].is_object() && hash(lease) != hash(&first));
    guard.signal(Signal::SIGTERM);
    assert_eq!(guard.over().code, 143);
}

#[test]
fn what_cannot_be_guarded_says_why() {
    let (stage, user) = stage(WELL, &rules(10, 20, 3));
    self::user(&stage, "bare", "").run(&["guard", "shop/web"]).is(2, "no metrics server is configured");
    user.run(&["guard", "shop/web", "--hold-after", "1h", "--breach-for", "59m"]).is(2, "--hold-after is longer");
    user.run(&["guard", "shop/web", "--breach-for", "soon"]).is(2, "a time is written like 90s");
    user.run(&["guard", "shop/wbe"]).is(1, "Did you mean 'web'?");
    user.run(&["--readonly", "guard", "shop/web"]).is(1, "--readonly");
    let robots = self::user(
        &stage,
        "robots",
        "[prometheus]\nurl = \"http://127.0.0.1:9\"\npreset = \"otel\"\n[guard]\nrobots = [\"auto-rollback.yml: every 5 min\"]\n",
    );
    let ran = robots.run(&["guard", "shop/web", "--timeout", "2s"]);
    assert!(ran.err.contains("another robot may act, too: auto-rollback.yml: every 5 min"), "{ran:?}");
    drop(stage.world);
    user.run(&["guard", "shop/web"]).is(4, "cannot be read");
}
