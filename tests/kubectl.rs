//! A real kubectl on the embedded world. Skipped, with a word, where there is none; with `CI_REQUIRE_REAL=1` that is a failure.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use pilothouse::demo::{Files, Options, Running, Scenario, start};
use serde_json::{Value, json};

/// A world that stands still, with files for kubectl.
struct Desk {
    world: Running,
    files: Files,
}

/// What a command said.
struct Said {
    ok: bool,
    out: String,
    err: String,
}

impl Desk {
    /// None where there is no kubectl.
    fn open() -> Option<Self> {
        let there = Command::new("kubectl").args(["version", "--client"]).output().is_ok_and(|out| out.status.success());
        if !there {
            assert!(std::env::var_os("CI_REQUIRE_REAL").is_none(), "kubectl is required and cannot be started");
            println!("skipped: kubectl cannot be started here");
            return None;
        }
        let origin = Some("2026-01-05T09:00:00Z".parse().unwrap());
        let options =
            Options { scenario: Scenario::Empty, speed: 0.0, origin, rollouts: 41, replica_sets: 1, ..Options::default() };
        let world = start(&options).unwrap();
        let files = world.write_files().unwrap();
        Some(Self { world, files })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let kubeconfig = self.files.kubeconfig();
        let mut command = Command::new("kubectl");
        command.env("KUBECONFIG", &kubeconfig).env("HOME", kubeconfig.parent().unwrap()).env_remove("HTTP_PROXY");
        command.args(["--request-timeout=20s"]).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, line: &str) -> Said {
        self.run_with(line, "")
    }

    fn run_with(&self, line: &str, input: &str) -> Said {
        self.run_words(&line.split(' ').collect::<Vec<_>>(), input)
    }

    fn run_words(&self, words: &[&str], input: &str) -> Said {
        let mut child = self.command(words).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { ok: status.success(), out: text(stdout), err: text(stderr) }
    }

    /// The output of a command that must succeed.
    #[track_caller]
    fn says(&self, line: &str) -> String {
        self.run(line).out_of(line)
    }
}

impl Said {
    #[track_caller]
    fn out_of(self, line: &str) -> String {
        assert!(self.ok, "kubectl {line}: {}{}", self.out, self.err);
        self.out
    }
}

fn words(text: &str, line: usize) -> Vec<&str> {
    text.lines().nth(line).unwrap_or_default().split_whitespace().collect()
}

/// A Rollout and a Deployment in the crowd's first namespace.
fn manifest(tag: u32) -> String {
    let template = json!({
        "metadata": { "labels": { "app": "hand" } }, "spec": { "containers": [{ "name": "main", "image": format!("hand:{tag}") }] },
    });
    let object = |api_version: &str, kind: &str, strategy: Value| {
        let labels = json!({ "argo-rollouts.argoproj.io/controller-instance-id": "none" });
        json!({
            "apiVersion": api_version, "kind": kind, "metadata": { "name": "hand", "namespace": "team-00", "labels": labels },
            "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "hand" } }, "template": template, "strategy": strategy },
        })
    };
    let rollout =
        object("argoproj.io/v1alpha1", "Rollout", json!({ "canary": { "steps": [{ "setWeight": 20 }, { "pause": {} }] } }));
    let deployment = object("apps/v1", "Deployment", json!({ "type": "RollingUpdate" }));
    json!({ "apiVersion": "v1", "kind": "List", "items": [rollout, deployment] }).to_string()
}

#[test]
fn it_gets_describes_and_finds_kinds_by_short_names() {
    let Some(desk) = Desk::open() else { return };
    let kinds = desk.says("api-resources");
    let rollouts = kinds.lines().find(|line| line.starts_with("rollouts")).unwrap();
    assert_eq!(rollouts.split_whitespace().collect::<Vec<_>>(), ["rollouts", "ro", "argoproj.io/v1alpha1", "true", "Rollout"]);
    let all = desk.says("get rollouts -A");
    assert_eq!(words(&all, 0), ["NAMESPACE", "NAME", "DESIRED", "CURRENT", "UP-TO-DATE", "AVAILABLE", "AGE"]);
    assert_eq!(all.lines().filter(|line| line.contains(" svc-")).count(), 41);
    let mixed = desk.says("get ro,rs,po -n team-00");
    assert!(mixed.contains("rollout.argoproj.io/svc-00000") && mixed.contains("replicaset.apps/svc-00000-"), "{mixed}");
    let yaml = desk.says("get ro svc-00000 -n team-00 -o yaml");
    assert!(yaml.starts_with("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata:\n"), "{yaml}");
    let described = desk.says("describe ro svc-00000 -n team-00");
    assert!(described.contains("Kind:         Rollout") && described.contains("Events:"), "{described}");
    assert_eq!(desk.says("--context prod get ro -A --chunk-size=10 -o name"), desk.says("get ro -A -o name"));
    let missing = desk.run("get ro nothing -n team-00");
    assert_eq!(missing.err, "Error from server (NotFound): rollouts.argoproj.io \"nothing\" not found\n");
}

#[test]
fn it_patches_as_the_fences_say() {
    let Some(desk) = Desk::open() else { return };
    let patch = |kind: &str, patch: &str| {
        desk.run_words(&["patch", "ro", "svc-00000", "-n", "team-00", &format!("--type={kind}"), "-p", patch], "")
    };
    let merged = patch("merge", r#"{"spec":{"replicas":7}}"#).out_of("patch");
    assert_eq!(merged, "rollout.argoproj.io/svc-00000 patched\n");
    assert_eq!(patch("merge", r#"{"spec":{"replicas":7}}"#).out_of("patch"), "rollout.argoproj.io/svc-00000 patched (no change)\n");
    let fenced = r#"[{"op":"test","path":"/spec/replicas","value":7},{"op":"replace","path":"/spec/replicas","value":8}]"#;
    patch("json", fenced).out_of("patch");
    let refused = patch("json", fenced);
    assert_eq!(refused.err, "The request is invalid: the server rejected our request due to an error in our request\n");
    let strategic = patch("strategic", r#"{"spec":{"replicas":7}}"#);
    assert!(!strategic.ok && strategic.err.contains("is not supported by argoproj.io/v1alpha1, Kind=Rollout"), "{}", strategic.err);
    let replicas = ["get", "ro", "svc-00000", "-n", "team-00", "-o", "jsonpath={.spec.replicas} {.metadata.generation}"];
    assert_eq!(desk.run_words(&replicas, "").out_of("get"), "8 3");
}

#[test]
fn it_applies_creates_and_deletes() {
    let Some(desk) = Desk::open() else { return };
    let both = |verb: &str| format!("rollout.argoproj.io/hand {verb}\ndeployment.apps/hand {verb}\n");
    let with = |line: &str, tag: u32| desk.run_with(line, &manifest(tag)).out_of(line);
    assert_eq!(with("apply --dry-run=server -f -", 1), both("created (server dry run)"));
    assert_eq!(with("apply --server-side -f -", 1), both("serverside-applied"));
    assert_eq!(with("delete -f -", 1).lines().count(), 2);
    assert_eq!(with("apply -f -", 1), both("created"));
    assert_eq!(with("apply -f -", 1), both("unchanged"));
    assert_eq!(with("apply -f -", 2), both("configured"));
    let images = desk.says("get ro,deploy hand -n team-00 -o jsonpath={.items[*].spec.template.spec.containers[0].image}");
    assert_eq!(images, "hand:2 hand:2");
    with("delete -f -", 2);
    assert_eq!(with("create -f -", 3), both("created"));
    assert_eq!(with("replace -f -", 4), both("replaced"));
    assert_eq!(desk.says("scale ro hand -n team-00 --replicas=5"), "rollout.argoproj.io/hand scaled\n");
    assert_eq!(desk.says("set image deploy/hand main=hand:5 -n team-00"), "deployment.apps/hand image updated\n");
    let invalid = desk.run_with("apply --validate=strict -f -", &manifest(5).replace("\"strategy\"", "\"strategie\""));
    assert!(!invalid.ok && invalid.err.contains("unknown field \"spec.strategie\""), "{}", invalid.err);
    assert_eq!(desk.says("delete ro hand -n team-00"), "rollout.argoproj.io \"hand\" deleted\n");
}

#[test]
fn it_waits_until_a_status_says_so() {
    let Some(desk) = Desk::open() else { return };
    let waiting =
        desk.command(&["wait", "--for=jsonpath={.status.abort}=true", "ro/svc-00000", "-n", "team-00", "--timeout=20s"]).spawn();
    // Whether the write comes before the wait or into it, the wait must see it.
    let abort =
        ["patch", "ro", "svc-00000", "-n", "team-00", "--subresource=status", "--type=merge", "-p", r#"{"status":{"abort":true}}"#];
    desk.run_words(&abort, "").out_of("patch");
    let out = waiting.unwrap().wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "rollout.argoproj.io/svc-00000 condition met\n");
}

#[test]
fn it_watches() {
    let Some(desk) = Desk::open() else { return };
    let mut child = desk.command(&["get", "rollouts", "-A", "-w", "--request-timeout=0"]).spawn().unwrap();
    let lines = lines(&mut child);
    let until = |what: &dyn Fn(&str) -> bool| {
        let since = Instant::now();
        while let Ok(line) = lines.recv_timeout(Duration::from_secs(20).saturating_sub(since.elapsed())) {
            if what(&line) {
                return true;
            }
        }
        false
    };
    assert!(until(&|line| line.contains("svc-00040")), "the list came");
    desk.says("scale ro svc-00040 -n team-00 --replicas=123");
    let seen = until(&|line| line.contains("svc-00040") && line.contains(" 123 "));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(seen, "the change came");
}

fn lines(child: &mut Child) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let out = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}

#[test]
fn it_shows_what_a_client_told() {
    let Some(desk) = Desk::open() else { return };
    let about = desk.says("get ro svc-00000 -n team-00 -o jsonpath={.metadata.uid}");
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": { "generateName": "svc-00000.", "namespace": "team-00" },
        "involvedObject": { "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "svc-00000", "namespace": "team-00", "uid": about },
        "reason": "RolledBack", "message": "the latency was bad (OPS-12)", "type": "Normal", "count": 1,
        "firstTimestamp": "2026-01-05T09:00:00Z", "lastTimestamp": "2026-01-05T09:00:00Z", "source": { "component": "pilothouse" },
    });
    desk.run_with("create -f -", &event.to_string()).out_of("create");
    let listed = desk.says("get events -n team-00");
    assert!(listed.contains("RolledBack") && listed.contains("rollout/svc-00000"), "{listed}");
    let described = desk.says("describe ro svc-00000 -n team-00");
    assert!(described.contains("pilothouse") && described.contains("the latency was bad (OPS-12)"), "{described}");
    let told = desk.says("events -n team-00 --for rollout/svc-00000");
    assert!(told.contains("OPS-12"), "{told}");
}

#[test]
fn it_asks_what_it_may() {
    let Some(desk) = Desk::open() else { return };
    let may = "auth can-i patch rollouts --subresource=status -n team-00";
    assert_eq!(desk.says(may), "yes\n");
    assert!(desk.says("auth whoami").contains("captain"));
    let url = desk.world.urls.last().unwrap();
    let forbid = r#"{"kind":"forbid","verb":"patch","resource":"rollouts/status"}"#;
    let authorization = format!("Authorization: Bearer {}", desk.world.token);
    let posted = Command::new("curl").args(["-sf", "-H", &authorization, "-d", forbid, &format!("{url}/_world/fault")]).output();
    if posted.is_ok_and(|out| out.status.success()) {
        assert_eq!(desk.run(may).out, "no\n");
    }
}
