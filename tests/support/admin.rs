//! The other side of a test: whoever changes the cluster that the program reads. Plain requests, so that the tests of the source
//! do not trust the source.

use std::path::Path;
use std::time::{Duration, Instant};

use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

pub const ROLLOUTS: &str = "/apis/argoproj.io/v1alpha1";

pub struct Admin {
    runtime: Runtime,
    client: Client,
    pub url: String,
}

impl Admin {
    pub fn new(kubeconfig: &Path, context: Option<&str>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
        let mut config =
            runtime.block_on(Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig).unwrap(), &options)).unwrap();
        config.proxy_url = None;
        config.default_retry = false;
        let url = config.cluster_url.to_string();
        if config.cluster_url.scheme_str() == Some("http") {
            config.root_cert.get_or_insert_default();
        }
        let client = runtime.block_on(async { Client::try_from(config) }).unwrap();
        Self { runtime, client, url }
    }

    /// Status code and body; 0 where there is no answer.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let kind = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        self.send(method, path, kind, body)
    }

    /// The same with a body of this type.
    pub fn send(&self, method: &str, path: &str, kind: &str, body: Option<&Value>) -> (u16, Value) {
        let body = body.map(ToString::to_string).unwrap_or_default();
        let request = http::Request::builder().method(method).uri(path).header("content-type", kind);
        let request = request.body(Body::from(body.into_bytes())).unwrap();
        self.runtime.block_on(async {
            let exchange = async {
                let response = self.client.send(request).await.ok()?;
                let code = response.status().as_u16();
                let body = response.into_body().collect_bytes().await.ok()?;
                let text = String::from_utf8_lossy(&body).into_owned();
                Some((code, serde_json::from_slice(&body).unwrap_or(Value::String(text))))
            };
            tokio::time::timeout(Duration::from_secs(20), exchange).await.ok().flatten().unwrap_or_default()
        })
    }

    /// As `call`, for what has to work.
    pub fn must(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (code, answer) = self.call(method, path, body);
        assert!((200..300).contains(&code), "{method} {path}: {code} {answer}");
        answer
    }

    /// Waits until a request works.
    pub fn wait(&self, path: &str) {
        let begun = Instant::now();
        while !(200..300).contains(&self.call("GET", path, None).0) {
            assert!(begun.elapsed() < Duration::from_secs(60), "{path} does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub fn create(&self, path: &str, object: &Value) -> Value {
        self.must("POST", path, Some(object))
    }

    pub fn namespace(&self, name: &str) {
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        let (code, answer) = self.call("POST", "/api/v1/namespaces", Some(&object));
        assert!(code == 201 || code == 409, "{answer}");
    }

    pub fn create_rollout(&self, namespace: &str, name: &str) -> Value {
        self.create(&in_namespace(namespace, "rollouts"), &rollout(name))
    }

    pub fn delete_rollout(&self, namespace: &str, name: &str) {
        self.must("DELETE", &format!("{}/{name}", in_namespace(namespace, "rollouts")), None);
    }

    pub fn scale(&self, namespace: &str, name: &str, replicas: u32) {
        let patch = json!({ "spec": { "replicas": replicas } });
        self.must("PATCH", &format!("{}/{name}", in_namespace(namespace, "rollouts")), Some(&patch));
    }
}

pub fn in_namespace(namespace: &str, plural: &str) -> String {
    let group = match plural {
        "pods" | "events" => "/api/v1",
        "replicasets" => "/apis/apps/v1",
        "canaries" => "/apis/flagger.app/v1beta1",
        "roles" | "rolebindings" => "/apis/rbac.authorization.k8s.io/v1",
        _ => ROLLOUTS,
    };
    format!("{group}/namespaces/{namespace}/{plural}")
}

/// A canary with steps, as small as its CRD takes it.
pub fn rollout(name: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": name, "labels": { "app": name } },
        "spec": {
            "replicas": 2, "selector": { "matchLabels": { "app": name } }, "template": template(name),
            "strategy": { "canary": { "steps": [{ "setWeight": 20 }, { "pause": {} }] } },
        },
    })
}

pub fn template(app: &str) -> Value {
    json!({ "metadata": { "labels": { "app": app } }, "spec": { "containers": [{ "name": "main", "image": "example.com/web:v1" }] } })
}

/// The controller reference to an object that a server has answered with.
pub fn owned_by(owner: &Value) -> Value {
    json!([{
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": true,
        "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
    }])
}
