//! The Kubernetes source against servers that lie, and with credentials that do not work.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use pilothouse::domain::fact::Reading;
use pilothouse::domain::id::Kind;
use serde_json::json;

use crate::support::eyes::Eyes;
use crate::support::liar::{Asked, Liar, body, lines, list, nothing, raw, text};
use crate::support::source_stories::SOON;

/// Eyes on a liar, who is asked with a token.
fn eyes_on(liar: &Liar) -> (tempfile::TempDir, Eyes) {
    let folder = tempfile::tempdir().unwrap();
    let eyes = Eyes::on(&liar.kubeconfig(folder.path(), "{token: x}"), None);
    (folder, eyes)
}

#[test]
fn a_login_page_is_no_cluster() {
    let liar = Liar::start(|_| text(200, "text/html", "<!DOCTYPE html><title>Sign in</title>"));
    let (_folder, mut eyes) = eyes_on(&liar);
    eyes.until(SOON, "said", |seen| {
        seen.down() == Some("it answers, but not as Kubernetes does")
            && seen.failing(Kind::Rollout).is_some_and(|text| text.contains("<!DOCTYPE"))
    });
    let before = liar.asked().len();
    eyes.watch(Duration::from_secs(3));
    let after = liar.asked().len() - before;
    assert!(after < 60, "{after} requests in 3 s to a server that only ever says one thing");
}

#[test]
fn garbage_is_no_http() {
    let liar = Liar::start(|_| raw("SSH-2.0-OpenSSH_9.2\r\n"));
    let (_folder, mut eyes) = eyes_on(&liar);
    eyes.until(SOON, "said", |seen| seen.down() == Some("it does not speak HTTP"));
}

#[test]
fn a_list_of_something_else_is_not_taken() {
    let liar = Liar::start(|asked| match asked {
        asked if asked.streams() || !asked.is_for("rollouts") => nothing(asked),
        asked if asked.watches() => lines(&[]),
        _ => body(
            200,
            &json!({ "kind": "PodList", "metadata": { "resourceVersion": "5" }, "items": [{ "metadata": { "name": "x" } }] }),
        ),
    });
    let (_folder, mut eyes) = eyes_on(&liar);
    eyes.until(SOON, "said", |seen| seen.failing(Kind::Rollout) == Some("asked for rollouts, got a PodList"));
    assert_eq!(eyes.seen().count(Kind::Rollout), 0);
}

#[test]
fn an_odd_object_costs_only_itself() {
    let liar = Liar::start(|asked| match asked {
        asked if asked.streams() || !asked.is_for("rollouts") => nothing(asked),
        asked if asked.watches() => lines(&[
            // What is not known is not an end, and the order of fields is free.
            r#"{"object":{"metadata":{"namespace":"shop","name":"late","resourceVersion":"6"}},"type":"ADDED"}"#,
            r#"{"type":"MODIFIED","object":{"metadata":{"namespace":"shop","name":"odd","resourceVersion":"7"},"status":3,"spec":{"replicas":{}}}}"#,
        ]),
        _ => list(&json!([
            null, 7, "text", [],
            { "metadata": { "namespace": "shop", "name": "plain", "resourceVersion": "1" } },
            { "metadata": { "namespace": "shop", "name": "odd", "resourceVersion": "2" }, "spec": { "replicas": "many" } },
            { "metadata": { "namespace": "shop", "name": "odder", "labels": 3, "ownerReferences": {} }, "spec": 7, "status": "fine" },
        ])),
    });
    let (_folder, mut eyes) = eyes_on(&liar);
    eyes.until(SOON, "all that have names", |seen| seen.names(Kind::Rollout, "shop") == ["late", "odd", "odder", "plain"]);
    let said = |odd: Option<&str>| odd.is_some_and(|odd| odd.contains("spec.replicas") && odd.contains("status"));
    eyes.until(SOON, "what is odd", |seen| said(seen.odd("shop", "odd")));
    let seen = eyes.seen();
    assert_eq!(seen.odd("shop", "plain"), None);
    assert!(seen.odd("shop", "odder").is_some_and(|odd| odd.contains("metadata.labels")));
    assert!(seen.live(Kind::Rollout) && seen.up());
}

#[test]
fn a_watch_that_ends_at_once_is_not_run_after() {
    let liar = Liar::start(|asked| match asked {
        asked if asked.watches() && !asked.streams() => text(200, "application/json", ""),
        asked => nothing(asked),
    });
    let (_folder, mut eyes) = eyes_on(&liar);
    eyes.until(SOON, "live", |seen| seen.live(Kind::Rollout));
    eyes.watch(Duration::from_secs(4));
    let watches = liar.asked().iter().filter(|asked| asked.watches() && asked.is_for("rollouts")).count();
    assert!((3..20).contains(&watches), "{watches} watches in 4 s");
    assert!(eyes.seen().live(Kind::Rollout), "each of them said what there was to say");
}

#[test]
fn a_stream_without_an_end_is_given_up_for_pages() {
    let liar = Liar::start(|asked| match asked {
        asked if asked.streams() => {
            lines(&[r#"{"type":"ADDED","object":{"metadata":{"namespace":"shop","name":"web","resourceVersion":"3"}}}"#])
        }
        asked if asked.watches() || !asked.is_for("rollouts") => nothing(asked),
        _ => list(&json!([{ "metadata": { "namespace": "shop", "name": "web", "resourceVersion": "3" } }])),
    });
    let (_folder, mut eyes) = eyes_on(&liar);
    eyes.until(SOON, "what has come so far", |seen| seen.has(Kind::Rollout, "shop", "web"));
    assert_eq!(eyes.seen().readings.get(&Kind::Rollout), Some(&Reading::Loading));
    eyes.until(Duration::from_secs(12), "live by other means", |seen| seen.live(Kind::Rollout));
}

/// A user whose credentials come from a script.
fn user_of(folder: &Path, script: &str) -> String {
    let path = folder.join("plugin.sh");
    fs::write(&path, script).unwrap();
    format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['{}'], interactiveMode: IfAvailable, installHint: ask your captain}}}}",
        path.display()
    )
}

const CREDENTIAL: &str = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"TOKEN"}}"#;

#[test]
fn a_plugin_that_fails_says_why_and_is_not_hammered() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let script =
        format!("echo >> {}\necho hello\necho 'Error: the SSO session has expired, run login' >&2\nexit 3\n", runs.display());
    let liar = Liar::start(nothing);
    let mut eyes = Eyes::on(&liar.kubeconfig(folder.path(), &user_of(folder.path(), &script)), None);
    eyes.until(SOON, "its own words", |seen| {
        seen.down() == Some("credential plugin `sh` failed (exit status: 3): Error: the SSO session has expired, run login")
    });
    eyes.watch(Duration::from_secs(4));
    let runs = fs::read_to_string(runs).unwrap().lines().count();
    assert!((2..10).contains(&runs), "{runs} runs");
    assert!(liar.asked().is_empty(), "nothing is asked without credentials");
}

#[test]
fn a_plugin_that_is_missing_is_named_with_its_hint() {
    let folder = tempfile::tempdir().unwrap();
    let user = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, installHint: ask your captain}}";
    let mut eyes = Eyes::on(&Liar::start(nothing).kubeconfig(folder.path(), user), None);
    eyes.until(SOON, "named", |seen| {
        seen.down()
            .is_some_and(|reason| reason.contains("`no-such-plugin` cannot be started") && reason.ends_with("ask your captain"))
    });
}

#[test]
fn a_plugin_that_waits_for_somebody_delays_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let user = user_of(folder.path(), "exec sleep 20\n");
    let mut eyes = Eyes::on(&Liar::start(nothing).kubeconfig(folder.path(), &user), None);
    eyes.until(Duration::from_secs(12), "said", |seen| seen.down() == Some("still waiting for credentials from `sh`"));
    let begun = Instant::now();
    drop(eyes);
    assert!(begun.elapsed() < Duration::from_millis(500), "the way back to the shell took {:?}", begun.elapsed());
}

#[test]
fn a_token_that_is_no_longer_taken_is_fetched_anew() {
    let folder = tempfile::tempdir().unwrap();
    let credential = folder.path().join("credential");
    fs::write(&credential, CREDENTIAL.replace("TOKEN", "old")).unwrap();
    let liar = Liar::start(|asked: &Asked| match asked.authorization.as_str() {
        "Bearer new" => nothing(asked),
        _ => body(401, &json!({ "kind": "Status", "code": 401, "message": "Unauthorized" })),
    });
    let user = user_of(folder.path(), &format!("cat {}\n", credential.display()));
    let mut eyes = Eyes::on(&liar.kubeconfig(folder.path(), &user), None);
    eyes.until(SOON, "refused", |seen| seen.down() == Some("401 Unauthorized"));
    fs::write(&credential, CREDENTIAL.replace("TOKEN", "new")).unwrap();
    eyes.until(SOON * 2, "taken", |seen| seen.up() && seen.live(Kind::Rollout));
}
