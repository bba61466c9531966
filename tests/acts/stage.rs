//! A world of its own, a user with a folder of its own, and the program between the two.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pilothouse::demo::{Files, Options, Running, Scenario, start};
use serde_json::{Value, json};

use crate::support::admin::{Admin, in_namespace};

pub const JSON_PATCH: &str = "application/json-patch+json";
/// How long anything may take that has to come.
const SOON: Duration = Duration::from_secs(40);

/// Somebody with a configuration, and a folder for what the program keeps.
pub struct User {
    pub config: PathBuf,
    home: tempfile::TempDir,
}

/// A world, and a user who acts on its environment `prod`.
pub struct Stage {
    pub world: Running,
    pub admin: Admin,
    files: Files,
    user: User,
}

impl Deref for Stage {
    type Target = User;

    fn deref(&self) -> &User {
        &self.user
    }
}

/// What the program said, and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Stage {
    /// A world without rollouts, whose clock runs that many times as fast.
    pub fn empty(speed: f64) -> Self {
        Self::of(Options { scenario: Scenario::Empty, speed, ..Options::default() })
    }

    pub fn of(options: Options) -> Self {
        let world = start(&options).unwrap();
        let files = world.write_files().unwrap();
        without_metrics(&files.config());
        let admin = Admin::new(&files.kubeconfig(), Some("prod"));
        let user = User::new(&files.config());
        Self { world, admin, files, user }
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.files.kubeconfig()
    }

    /// Creates a Rollout of version 1 with the services that it names, and does not wait for it.
    pub fn create(&self, namespace: &str, rollout: &Value) {
        let name = rollout["metadata"]["name"].as_str().unwrap();
        for service in ["stable", "canary"] {
            let metadata = json!({ "name": format!("{name}-{service}") });
            let spec = json!({ "selector": { "app": name }, "ports": [{ "port": 80 }] });
            let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec });
            self.admin.create(&format!("/api/v1/namespaces/{namespace}/services"), &service);
        }
        self.admin.create(&in_namespace(namespace, "rollouts"), rollout);
    }

    /// The same, and waits until it is healthy.
    pub fn healthy(&self, namespace: &str, rollout: &Value) {
        self.create(namespace, rollout);
        self.until_phase(namespace, name_of(rollout), "Healthy");
    }

    /// The same, and releases version 2.
    pub fn released(&self, namespace: &str, rollout: &Value) {
        self.healthy(namespace, rollout);
        self.release(&path(namespace, name_of(rollout)), "v2");
    }

    /// Releases a version of an object with a pod template.
    pub fn release(&self, path: &str, tag: &str) {
        let image = json!(format!("registry.example/shop/web:{tag}"));
        let patch = json!([{ "op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image }]);
        let (code, answer) = self.admin.send("PATCH", path, JSON_PATCH, Some(&patch));
        assert_eq!(code, 200, "{answer}");
    }

    pub fn get(&self, path: &str) -> Value {
        self.admin.must("GET", path, None)
    }

    pub fn rollout(&self, namespace: &str, name: &str) -> Value {
        self.get(&path(namespace, name))
    }

    /// Merges something into an object, as somebody else would.
    pub fn merge(&self, path: &str, patch: &Value) {
        self.admin.must("PATCH", path, Some(patch));
    }

    /// Waits until an object is as wanted.
    pub fn until(&self, path: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let object = self.get(path);
            if is(&object) {
                return object;
            }
            assert!(begun.elapsed() < SOON, "{path} is not {what}: {:#}", object["status"]);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn until_phase(&self, namespace: &str, name: &str, phase: &str) -> Value {
        self.until(&path(namespace, name), phase, |rollout| is_in(rollout, phase))
    }

    /// Lets a fault hit the next writes under a path.
    pub fn fault(&self, mut fault: Value, path: &str) {
        fault["path"] = path.into();
        fault["only"] = "patch".into();
        fault["count"] = 1.into();
        self.admin.must("POST", "/_world/fault", Some(&fault));
    }

    /// How often something was asked under a path, dry runs left out.
    pub fn count(&self, verb: &str, path: &str) -> u64 {
        let counts = self.get(&format!("/_world/requests?verb={verb}&path={path}"));
        let counts = counts["requests"].as_array().unwrap().iter().filter(|count| count["dry_run"] == false);
        counts.map(|count| count["count"].as_u64().unwrap()).sum()
    }

    pub fn forget_requests(&self) {
        self.admin.must("DELETE", "/_world/requests", None);
    }
}

impl User {
    /// Whoever has this configuration, with an environment `prod`.
    pub fn new(config: &Path) -> Self {
        Self { config: config.to_owned(), home: tempfile::tempdir().unwrap() }
    }

    /// The folder of the program's state.
    pub fn state(&self) -> PathBuf {
        self.home.path().join("pilothouse")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = crate::cli::command(&["--config", self.config.to_str().unwrap(), "-e", "prod"]);
        command.args(arguments).env("XDG_STATE_HOME", self.home.path());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// Runs a verb on an object with a reason.
    pub fn act(&self, verb: &str, object: &str, more: &[&str]) -> Ran {
        self.run(&[&[verb, object, "--reason", "because of the test"], more].concat())
    }

    /// Starts the program; its output is kept.
    pub fn begin(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Acts on the ledger, with everything that is said of them.
    pub fn acts(&self) -> Vec<Value> {
        self.run(&["ledger", "list", "--json"]).json()["acts"].as_array().unwrap().clone()
    }

    /// The ledger is whole, and nothing on it is open.
    pub fn is_settled(&self) {
        let report = self.run(&["ledger", "verify", "--json"]);
        assert_eq!((report.code, &report.json()["clean"]), (0, &json!(true)), "{report:?}");
        let open = self.run(&["ledger", "list", "--open", "--json"]).json();
        assert_eq!(open["acts"], json!([]), "open intents are left");
    }
}

impl Ran {
    pub fn of(output: std::process::Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// It must have ended so, and said this.
    #[track_caller]
    pub fn is(&self, code: i32, phrase: &str) -> &Self {
        let said = if code == 0 { &self.out } else { &self.err };
        assert!(self.code == code && said.contains(phrase), "not {code} with '{phrase}': {self:?}");
        self
    }
}

/// Takes the metrics out of a world's configuration: gates are told about elsewhere, and would hold up whoever promotes at once.
fn without_metrics(config: &Path) {
    let text = std::fs::read_to_string(config).unwrap();
    let environments = &text[text.find("[[environment]]").unwrap()..];
    let lines: Vec<&str> = environments.lines().filter(|line| !line.starts_with("prometheus = ")).collect();
    std::fs::write(config, lines.join("\n")).unwrap();
}

pub fn path(namespace: &str, name: &str) -> String {
    format!("{}/{name}", in_namespace(namespace, "rollouts"))
}

pub fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

/// Whether a Rollout is in a phase of its newest spec, and with this message where one is given: `Paused: CanaryPauseStep`.
pub fn is_in(rollout: &Value, phase: &str) -> bool {
    let (phase, message) = phase.split_once(": ").unwrap_or((phase, ""));
    let status = &rollout["status"];
    status["phase"] == phase
        && status["message"].as_str().unwrap_or_default().starts_with(message)
        && status["observedGeneration"].as_str().and_then(|text| text.parse().ok()) == rollout["metadata"]["generation"].as_i64()
}

/// The image that a template asks for, without its registry.
pub fn tag(object: &Value) -> &str {
    object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().rsplit(':').next().unwrap()
}

/// The pod template of version 1.
pub fn template(name: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": name } },
        "spec": { "containers": [{ "name": "main", "image": "registry.example/shop/web:v1" }] },
    })
}

/// A Rollout of version 1 with this strategy and two pods.
pub fn with_strategy(name: &str, strategy: &Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": name },
        "spec": { "replicas": 2, "selector": { "matchLabels": { "app": name } }, "template": template(name), "strategy": strategy },
    })
}

/// A canary whose traffic a router splits.
pub fn canary(name: &str, steps: &Value) -> Value {
    with_strategy(
        name,
        &json!({ "canary": {
            "canaryService": format!("{name}-canary"), "stableService": format!("{name}-stable"),
            "trafficRouting": { "plugins": { "example/router": {} } }, "steps": steps,
        } }),
    )
}

/// Blue-green that a person switches.
pub fn blue_green(name: &str, more: &Value) -> Value {
    let mut way = json!({
        "activeService": format!("{name}-stable"), "previewService": format!("{name}-canary"), "autoPromotionEnabled": false,
        "scaleDownDelaySeconds": 600,
    });
    json_patch::merge(&mut way, more);
    with_strategy(name, &json!({ "blueGreen": way }))
}

/// Many pauses for a person, each at a weight of its own, without waiting for pods.
pub fn many_steps(count: usize, pause: &Value) -> Value {
    let first = json!({ "setCanaryScale": { "replicas": 1 } });
    let each = (0..count).flat_map(|step| [json!({ "setWeight": step * 90 / count + 1 }), json!({ "pause": pause })]);
    std::iter::once(first).chain(each).collect()
}
