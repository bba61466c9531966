//! A real API server by envtest's convention: `$KUBEBUILDER_ASSETS/etcd` and `…/kube-apiserver` on free loopback ports. Started once
//! for all tests; it ends with the process that started it, however that ends.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};

use super::admin::{Admin, ROLLOUTS, in_namespace};

/// Kills what it guards when its standard input ends, which it does with the process that holds the other end.
const GUARD: &str = r#"log=$1 litter=$2; shift 2; "$@" >>"$log" 2>&1 </dev/null & read -r _; kill -9 $!; wait 2>/dev/null; [ -z "$litter" ] || rm -rf "$litter""#;

/// A process that does not outlive us.
pub struct Guarded(Child);

impl Guarded {
    /// `litter` is a folder to remove when it has ended.
    pub fn start(log: &Path, litter: Option<&Path>, program: &Path, arguments: &[String]) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", GUARD, "guard"]).arg(log).arg(litter.unwrap_or(Path::new(""))).arg(program).args(arguments);
        let quiet = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(quiet.spawn().expect("sh can be started"))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

/// A database with one server before it; more servers can be started.
pub struct Cluster {
    folder: PathBuf,
    assets: PathBuf,
    database: String,
    _etcd: Guarded,
    _server: Guarded,
    /// As `system:masters`.
    pub admin: Admin,
}

/// A further server on the same database, which can be killed and started again on its port.
pub struct Server {
    port: u16,
    flags: Vec<String>,
    process: Option<Guarded>,
}

static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
static COUNT: AtomicUsize = AtomicUsize::new(0);
static TRIED: AtomicBool = AtomicBool::new(false);

/// The cluster that all tests share; None, and why, if there are no binaries.
pub fn cluster() -> Option<&'static Cluster> {
    let start = |assets: std::ffi::OsString| {
        assert!(!TRIED.swap(true, Ordering::Relaxed), "the API server did not start for another test");
        Cluster::start(assets.into())
    };
    let cluster = CLUSTER.get_or_init(|| std::env::var_os("KUBEBUILDER_ASSETS").map(start));
    if cluster.is_none() {
        assert!(std::env::var_os("CI_REQUIRE_REAL").is_none(), "KUBEBUILDER_ASSETS is not set");
        eprintln!("skipped: KUBEBUILDER_ASSETS is not set");
    }
    cluster.as_ref()
}

impl Cluster {
    fn start(assets: PathBuf) -> Self {
        let folder = tempfile::Builder::new().prefix("pilothouse-api-").tempdir().unwrap().keep();
        let (client, peer, port) = (free_port(), free_port(), free_port());
        let database = format!("http://127.0.0.1:{client}");
        let peer = format!("http://127.0.0.1:{peer}");
        let text = |arguments: &[&str]| arguments.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let data = folder.join("etcd").display().to_string();
        let mut arguments = text(&["--unsafe-no-fsync", "--data-dir", &data, "--listen-client-urls", &database]);
        arguments.extend(text(&["--advertise-client-urls", &database, "--listen-peer-urls", &peer]));
        arguments.extend(text(&["--initial-advertise-peer-urls", &peer, "--initial-cluster", &format!("default={peer}")]));
        let etcd = Guarded::start(&folder.join("etcd.log"), Some(&folder), &assets.join("etcd"), &arguments);
        let users = [("admin", "system:masters"), ("captain", "captains"), ("viewer", "viewers"), ("nobody", "nobodies")];
        let tokens: Vec<String> = users.iter().map(|(user, group)| format!("token-of-{user},{user},{user},{group}")).collect();
        fs::write(folder.join("tokens.csv"), tokens.join("\n")).unwrap();
        let (private, public) = account_keys();
        fs::write(folder.join("accounts.key"), private).unwrap();
        fs::write(folder.join("accounts.pub"), public).unwrap();
        let process = start_server(&folder, &assets, &database, port, &[]);
        let certificate = folder.join("server").join("apiserver.crt");
        let begun = Instant::now();
        while !certificate.exists() {
            assert!(begun.elapsed() < Duration::from_secs(60), "kube-apiserver does not start: see {}", folder.display());
            std::thread::sleep(Duration::from_millis(50));
        }
        let kubeconfig = write_kubeconfig(&folder, "admin", "default", port);
        let admin = Admin::new(&kubeconfig, None);
        admin.wait("/readyz");
        for crd in crds().iter().filter(|crd| crd["spec"]["group"] != "flagger.app") {
            admin.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd);
        }
        admin.wait(&format!("{ROLLOUTS}/experiments"));
        admin.wait(&format!("{ROLLOUTS}/rollouts"));
        admin.wait(&format!("{ROLLOUTS}/analysisruns"));
        admin.namespace("default");
        Self { folder, assets, database, _etcd: etcd, _server: process, admin }
    }

    /// A kubeconfig for one of `admin`, `captain`, `viewer` and `nobody`, whose context is in the namespace.
    pub fn kubeconfig(&self, user: &str, namespace: &str) -> PathBuf {
        let port = self.admin.url.rsplit(':').next().unwrap().trim_end_matches('/').parse().unwrap();
        write_kubeconfig(&self.folder, user, namespace, port)
    }

    /// The certificate by which the server is known, in PEM.
    pub fn authority(&self) -> String {
        fs::read_to_string(self.folder.join("server").join("apiserver.crt")).unwrap()
    }

    /// Another server on the same database.
    pub fn another(&self, flags: &[&str]) -> Server {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let mut server = Server { port: free_port(), flags, process: None };
        self.revive(&mut server);
        server
    }

    /// Starts a server that was killed, on its old port.
    pub fn revive(&self, server: &mut Server) {
        server.process = Some(start_server(&self.folder, &self.assets, &self.database, server.port, &server.flags));
        Admin::new(&server.kubeconfig(self), None).wait("/readyz");
    }

    /// Lets a user read everything that the program reads, in one namespace; gives the path of the binding.
    pub fn let_read(&self, user: &str, namespace: &str) -> String {
        self.admin.namespace(namespace);
        let rules = json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"] }]);
        let role = json!({ "metadata": { "name": "reader" }, "rules": rules });
        let group = "rbac.authorization.k8s.io";
        let binding = json!({
            "metadata": { "name": format!("{user}-reads") },
            "roleRef": { "apiGroup": group, "kind": "Role", "name": "reader" },
            "subjects": [{ "apiGroup": group, "kind": "User", "name": user }],
        });
        self.admin.call("POST", &in_namespace(namespace, "roles"), Some(&role));
        self.admin.create(&in_namespace(namespace, "rolebindings"), &binding);
        format!("{}/{user}-reads", in_namespace(namespace, "rolebindings"))
    }

    /// Installs Flagger's definition.
    pub fn install_flagger(&self) {
        for crd in crds().iter().filter(|crd| crd["spec"]["group"] == "flagger.app") {
            self.admin.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd);
        }
        self.admin.wait("/apis/flagger.app/v1beta1/canaries");
    }

    /// Throws the history of the database away, up to now.
    pub fn compact(&self) {
        let list = self.admin.must("GET", "/api/v1/namespaces?limit=1", None);
        let revision = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
        let body = json!({ "revision": revision, "physical": true }).to_string();
        let mut etcd = std::net::TcpStream::connect(self.database.trim_start_matches("http://")).unwrap();
        let request = format!(
            "POST /v3/kv/compaction HTTP/1.1\r\nHost: etcd\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        std::io::Write::write_all(&mut etcd, request.as_bytes()).unwrap();
        let answer = std::io::read_to_string(etcd).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// Installs all definitions on a server that has none.
pub fn install(admin: &Admin) {
    for crd in crds() {
        admin.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &crd);
    }
    for path in ["rollouts", "analysisruns", "experiments"] {
        admin.wait(&format!("{ROLLOUTS}/{path}"));
    }
    admin.wait("/apis/flagger.app/v1beta1/canaries");
    admin.namespace("default");
}

impl Server {
    /// As admin.
    pub fn kubeconfig(&self, cluster: &Cluster) -> PathBuf {
        write_kubeconfig(&cluster.folder, "admin", "default", self.port)
    }

    /// As a machine that loses its power.
    pub fn kill(&mut self) {
        self.process = None;
    }
}

fn start_server(folder: &Path, assets: &Path, database: &str, port: u16, flags: &[String]) -> Guarded {
    let path = |name: &str| folder.join(name).display().to_string();
    let (key, public, port) = (path("accounts.key"), path("accounts.pub"), port.to_string());
    let (tokens, certificates) = (path("tokens.csv"), path("server"));
    let pairs = [
        ("--etcd-servers", database),
        ("--bind-address", "127.0.0.1"),
        ("--advertise-address", "127.0.0.1"),
        ("--secure-port", &port),
        ("--cert-dir", &certificates),
        ("--token-auth-file", &tokens),
        ("--authorization-mode", "RBAC"),
        ("--service-cluster-ip-range", "10.96.0.0/16"),
        ("--service-account-issuer", "https://kubernetes.default.svc"),
        ("--service-account-key-file", &public),
        ("--service-account-signing-key-file", &key),
        ("--endpoint-reconciler-type", "none"),
        // No controller makes the accounts that pods would run under.
        ("--disable-admission-plugins", "ServiceAccount"),
    ];
    let arguments = pairs.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).to_owned()]);
    let arguments: Vec<String> = arguments.chain(flags.iter().cloned()).collect();
    Guarded::start(&folder.join("apiserver.log"), None, &assets.join("kube-apiserver"), &arguments)
}

fn write_kubeconfig(folder: &Path, user: &str, namespace: &str, port: u16) -> PathBuf {
    let certificate = folder.join("server").join("apiserver.crt");
    let cluster = json!({ "server": format!("https://127.0.0.1:{port}"), "certificate-authority": certificate });
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "real",
        "clusters": [{ "name": "real", "cluster": cluster }],
        "users": [{ "name": user, "user": { "token": format!("token-of-{user}") } }],
        "contexts": [{ "name": "real", "context": { "cluster": "real", "user": user, "namespace": namespace } }],
    });
    // Tests write theirs at the same time.
    let path = folder.join(format!("{user}-{}.kubeconfig", COUNT.fetch_add(1, Ordering::Relaxed)));
    fs::write(&path, config.to_string()).unwrap();
    path
}

/// A key for service accounts, which nobody here has, but the server wants one: private to sign with, and public to check.
fn account_keys() -> (String, String) {
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING as P256, EcdsaKeyPair, KeyPair};
    /// `SubjectPublicKeyInfo` of a point on P-256 (RFC 5480), up to the point.
    const POINT_FOLLOWS: [u8; 26] =
        *b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
    let random = ring::rand::SystemRandom::new();
    let private = EcdsaKeyPair::generate_pkcs8(&P256, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&P256, private.as_ref(), &random).unwrap();
    let public = [&POINT_FOLLOWS, pair.public_key().as_ref()].concat();
    let pem = |what: &str, der: &[u8]| {
        let body = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {what} KEY-----\n{body}\n-----END {what} KEY-----\n")
    };
    (pem("PRIVATE", private.as_ref()), pem("PUBLIC", &public))
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The real definitions where they are at hand, and otherwise ones that take anything.
fn crds() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/crds");
    let Ok(files) = fs::read_dir(folder) else { return permissive_crds() };
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let objects: Vec<Value> = texts.flat_map(|text| serde_saphyr::from_multiple::<Value>(&text).unwrap()).collect();
    objects.into_iter().filter(|object| object["kind"] == "CustomResourceDefinition").collect()
}

fn permissive_crds() -> Vec<Value> {
    let one = |(group, version, kind, plural): (&str, &str, &str, &str)| {
        let schema = json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
        let status = if matches!(kind, "Rollout" | "Canary") { json!({ "status": {} }) } else { json!({}) };
        let version = json!({ "name": version, "served": true, "storage": true, "schema": schema, "subresources": status });
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{plural}.{group}") },
            "spec": {
                "group": group, "scope": "Namespaced", "versions": [version],
                "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List") },
            },
        })
    };
    let argo = |kind, plural| ("argoproj.io", "v1alpha1", kind, plural);
    let flagger = ("flagger.app", "v1beta1", "Canary", "canaries");
    [argo("Rollout", "rollouts"), argo("AnalysisRun", "analysisruns"), argo("Experiment", "experiments"), flagger].map(one).to_vec()
}
