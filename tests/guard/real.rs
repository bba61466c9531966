//! Guards against a real API server: its versions decide who of many gets the Lease, and its permissions are those that the README asks for.
//! No controller runs there, so nothing is taken back for real.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pilothouse::config::{Namespaces, Settings};
use pilothouse::domain::signal::Verdict;
use serde_json::{Value, json};

use super::command::{BAD, Guard, WELL, metrics};
use super::post::{Post, sight};
use crate::acts::stage::{User, path};
use crate::acts::states::{at_first_pause, unattended};
use crate::support::admin::{Admin, in_namespace};
use crate::support::api_server::cluster;
use crate::support::metrics_server::start;

/// A canary at its first pause, as a controller would have left it.
fn create(admin: &Admin, namespace: &str, name: &str) -> Value {
    admin.namespace(namespace);
    let mut rollout = unattended(name);
    rollout["metadata"]["annotations"] = json!({ "rollout.argoproj.io/revision": "2" });
    admin.create(&in_namespace(namespace, "rollouts"), &rollout);
    let mut status = at_first_pause();
    status["observedGeneration"] = admin.must("GET", &path(namespace, name), None)["metadata"]["generation"].to_string().into();
    admin.must("PATCH", &format!("{}/status", path(namespace, name)), Some(&json!({ "status": status })));
    admin.must("GET", &path(namespace, name), None)
}

fn settings(kubeconfig: &Path, namespace: &str) -> (Settings, User) {
    let config = kubeconfig.with_extension("toml");
    std::fs::write(&config, format!("[[environment]]\nname = \"prod\"\ncontext = \"real\"\nkubeconfig = {kubeconfig:?}\n"))
        .unwrap();
    let user = User::new(&config);
    let mut settings = crate::acts::actor::settings(&user);
    settings.environments[0].namespaces = Namespaces::Some(vec![namespace.to_owned()]);
    (settings, user)
}

#[test]
fn of_many_that_are_armed_at_once_one_is_on_watch_and_its_heir_is_one_too() {
    let Some(cluster) = cluster() else { return };
    let rollout = create(&cluster.admin, "guarded", "web");
    let lease = "/apis/coordination.k8s.io/v1/namespaces/guarded/leases/pilothouse-guard.rollout.web";
    let users: Vec<_> = (0..6).map(|_| settings(&cluster.kubeconfig("admin", "guarded"), "guarded")).collect();
    let mut posts: Vec<Post> = users.iter().map(|(settings, _)| Post::new(settings)).collect();
    std::thread::scope(|scope| {
        for post in &mut posts {
            let rollout = &rollout;
            scope.spawn(move || post.arm(rollout, |_| {}));
        }
    });
    let settle = |posts: &[Post]| {
        let begun = Instant::now();
        loop {
            posts.iter().for_each(|post| post.show(sight(&rollout, Verdict::Pass, 0)));
            let words: Vec<String> = posts.iter().map(Post::word).collect();
            let count = |wanted: &str| words.iter().filter(|word| *word == wanted).count();
            assert!(count("watching") <= 1, "{words:?}");
            if count("watching") == 1 && count("standby") == posts.len() - 1 {
                return words.iter().position(|word| word == "watching").unwrap();
            }
            assert!(begun.elapsed() < Duration::from_secs(40), "{words:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let first = settle(&posts);
    assert_eq!(cluster.admin.must("GET", lease, None)["spec"]["leaseTransitions"], 0);
    posts.remove(first).kill();
    let second = settle(&posts);
    assert_eq!(cluster.admin.must("GET", lease, None)["spec"]["leaseTransitions"], 1);
    let mut second = posts.remove(second);
    second.watch().disarm();
    second.over();
    settle(&posts);
}

/// The objects of the README, in another namespace.
fn manifest(namespace: &str) -> Vec<Value> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- guard: applied by cargo test guard -->\n```yaml\n").unwrap();
    let (yaml, _) = rest.split_once("```").unwrap();
    let yaml = yaml.replace("namespace: shop", &format!("namespace: {namespace}"));
    serde_saphyr::from_multiple::<Value>(&yaml).unwrap()
}

fn collection(object: &Value, namespace: &str) -> String {
    match object["kind"].as_str().unwrap() {
        "Deployment" => format!("/apis/apps/v1/namespaces/{namespace}/deployments"),
        "ConfigMap" => format!("/api/v1/namespaces/{namespace}/configmaps"),
        "ServiceAccount" => format!("/api/v1/namespaces/{namespace}/serviceaccounts"),
        "Role" => in_namespace(namespace, "roles"),
        "RoleBinding" => in_namespace(namespace, "rolebindings"),
        other => panic!("{other}"),
    }
}

#[test]
fn the_manifest_of_the_readme_is_one_and_its_command_and_configuration_are_right() {
    use clap::Parser as _;
    let objects = manifest("shop");
    let kinds: Vec<&str> = objects.iter().map(|object| object["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Deployment"]);
    let words = |value: &Value| value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let container = &objects[4]["spec"]["template"]["spec"]["containers"][0];
    let arguments = std::iter::once("pilothouse".to_owned()).chain(words(&container["args"]));
    pilothouse::cli::Arguments::try_parse_from(arguments).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, objects[3]["data"]["config.toml"].as_str().unwrap()).unwrap();
    let settings = pilothouse::config::Files::find(Some(&config)).unwrap().settings().unwrap();
    assert!(settings.environments[0].prometheus.is_some() && settings.environments[0].signals.iter().any(|signal| signal.gate));
}

/// A token of the README's service account, which may do there what the README says, and a canary to guard.
fn account(admin: &Admin, shop: &str) -> String {
    create(admin, shop, "gateway");
    for object in manifest(shop) {
        let at = collection(&object, shop);
        // Everything is taken by the server; what has no controller there is not kept.
        let (code, answer) = admin.call("POST", &format!("{at}?dryRun=All&fieldValidation=Strict"), Some(&object));
        assert_eq!(code, 201, "{answer}");
        if matches!(object["kind"].as_str(), Some("ServiceAccount" | "Role" | "RoleBinding")) {
            admin.create(&at, &object);
        }
    }
    let request =
        json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "expirationSeconds": 3600 } });
    let path_of_token = format!("/api/v1/namespaces/{shop}/serviceaccounts/pilothouse-guard/token");
    let (code, token) = admin.call("POST", &path_of_token, Some(&request));
    assert_eq!(code, 201, "{token}");
    token["status"]["token"].as_str().unwrap().to_owned()
}

/// Waits until somebody is on watch.
fn until_on_watch(admin: &Admin, lease: &str, guard: Guard) -> Guard {
    let begun = Instant::now();
    while admin.call("GET", lease, None).0 != 200 {
        assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", guard.over());
        std::thread::sleep(Duration::from_millis(100));
    }
    guard
}

#[test]
fn a_guard_with_the_rights_of_the_readme_does_its_work() {
    let Some(cluster) = cluster() else { return };
    let (admin, shop) = (&cluster.admin, "guardpost");
    let token = account(admin, shop);
    let kubeconfig = cluster.kubeconfig("nobody", shop);
    let text = std::fs::read_to_string(&kubeconfig).unwrap();
    std::fs::write(&kubeconfig, text.replace("token-of-nobody", &token)).unwrap();
    let user = |story| {
        let config = kubeconfig.with_extension(format!("{}.toml", fastrand::u32(..)));
        let head = format!("[[environment]]\nname = \"prod\"\ncontext = \"real\"\nkubeconfig = {kubeconfig:?}\n");
        let rules = "[guard]\nhold_after = \"1s\"\nbreach_after = \"2s\"\ncountdown = \"1s\"\nlease = \"3s\"\n";
        std::fs::write(&config, head + &metrics(&start(story)) + rules).unwrap();
        User::new(&config)
    };
    let lease = format!("/apis/coordination.k8s.io/v1/namespaces/{shop}/leases/pilothouse-guard.rollout.gateway");
    let guarded = user(WELL);
    let guard = Guard::begin(&guarded, "the guard", &["-n", shop, "rollout/gateway", "--stay"]);
    let guard = until_on_watch(admin, &lease, guard);
    guard.signal(nix::sys::signal::Signal::SIGTERM);
    let ran = guard.over();
    assert_eq!((ran.code, admin.call("GET", &lease, None).0), (143, 404), "{ran:?}");
    // The server itself says that hold and abort would be taken.
    let ran = user(BAD).run(&["guard", "-n", shop, "rollout/gateway", "--dry-run"]);
    ran.is(1, "the guard would have taken it back");
    let ran = user(BAD).run(&["guard", "-n", shop, "rollout/gateway", "--dry-run", "--breach-for", "2h", "--timeout", "8s"]);
    assert!(ran.code == 3 && ran.err.contains("it stands still: The server would take it"), "{ran:?}");
}

/// Runs what follows it as in a pod whose account is in the folder `$ACCOUNT`; the kubelet's place for that is made for it alone.
const POD: &str = r#"set -e; run=$(readlink -f /var/run); mount -t tmpfs none "$run"; at=$run/secrets/kubernetes.io/serviceaccount
mkdir -p "$at"; cp "$ACCOUNT"/* "$at"; exec "$@""#;

/// Whether this machine lets us make such a place.
fn has_pods() -> bool {
    let made = Command::new("unshare").args(["-rm", "sh", "-c", "mount -t tmpfs none $(readlink -f /var/run)"]).output();
    let has = made.is_ok_and(|made| made.status.success());
    if !has {
        println!("skipped: no mounts of its own can be given to a process here");
    }
    has
}

/// The README's Deployment with its arguments and its configuration, of which only the metrics server is another one.
#[test]
fn a_guard_in_a_pod_works_by_its_service_account() {
    let Some(cluster) = cluster().filter(|_| has_pods()) else { return };
    let (admin, shop) = (&cluster.admin, "guardpod");
    let token = account(admin, shop);
    let folder = tempfile::tempdir().unwrap();
    let (files, config, state) = (folder.path().join("account"), folder.path().join("config.toml"), folder.path().join("state"));
    std::fs::create_dir(&files).unwrap();
    let (authority, port) = (cluster.authority(), admin.url.rsplit(':').next().unwrap().trim_end_matches('/'));
    for (name, text) in [("token", &*token), ("namespace", shop), ("ca.crt", &authority)] {
        std::fs::write(files.join(name), text).unwrap();
    }
    std::fs::write(&config, metrics(&start(WELL))).unwrap();
    let container = &manifest(shop)[4]["spec"]["template"]["spec"]["containers"][0];
    let arguments = container["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned());
    let arguments = arguments.map(|word| if word == "shop" { shop.to_owned() } else { word });
    let arguments = arguments.map(|word| word.replace("/etc/pilothouse/config.toml", config.to_str().unwrap()));
    let arguments: Vec<String> = arguments.collect();
    let pod = |with_account: bool| {
        let mut command = crate::cli::command(&[]);
        let program = command.get_program().to_owned();
        if with_account {
            command = Command::new("unshare");
            command.args(["-rm", "sh", "-c", POD, "pod"]).arg(program).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        }
        command.env("ACCOUNT", &files).env("XDG_STATE_HOME", &state).env("HOME", folder.path());
        command.env("KUBERNETES_SERVICE_HOST", "127.0.0.1").env("KUBERNETES_SERVICE_PORT", port).args(&arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Guard::of(command.spawn().unwrap(), "the guard in a pod")
    };
    let lease = format!("/apis/coordination.k8s.io/v1/namespaces/{shop}/leases/pilothouse-guard.rollout.gateway");
    let guard = until_on_watch(admin, &lease, pod(true));
    guard.signal(nix::sys::signal::Signal::SIGTERM);
    let ran = guard.over();
    assert_eq!((ran.code, admin.call("GET", &lease, None).0), (143, 404), "{ran:?}");
    assert!(ran.out.contains("\"state\":\"watching\""), "{ran:?}");
    // Without the account, or where it is no pod at all, it says so at once.
    pod(false).over().is(2, "and the service account of this pod cannot be had: ");
    let ran = crate::cli::command(&["--config", config.to_str().unwrap(), "guard", "gateway"]).output().unwrap();
    let said = crate::cli::stderr(&ran);
    assert!(ran.status.code() == Some(2) && said.contains("is not there, and this is no pod of a cluster"), "{said}");
}
