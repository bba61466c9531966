//! Where others look: an Event and an annotation that a real kubectl sees, and a message to a chat whose address nobody sees.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use pilothouse::action::Patience;
use pilothouse::domain::action::{Outcome, Verb};
use serde_json::{Value, json};

use super::actor::{Actor, settings};
use super::stage::{Ran, Stage, User, canary, path};
use crate::support::liar::{Answer, Liar, body};

/// What of the chat's address must stand nowhere.
const SECRET: &str = "B0NVERYSECRET";

fn stage() -> Stage {
    let stage = Stage::empty(10.0);
    stage.admin.namespace("shop");
    stage.released("shop", &canary("web", &json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "pause": {} }])));
    stage.until_phase("shop", "web", "Paused: CanaryPauseStep");
    stage
}

/// A chat that answers everything in the same way; an empty answer is none. Gives its address and what it is told.
fn chat(answer: &'static str) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/services/{SECRET}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut head, mut length) = (String::new(), 0);
            while reader.read_line(&mut head).unwrap() > 2 {
                let line = head.to_lowercase();
                length = line.strip_prefix("content-length: ").map_or(length, |text| text.trim().parse().unwrap());
                head.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            drop(sender.send(serde_json::from_slice(&body).unwrap()));
            if answer.is_empty() {
                std::mem::forget(reader);
            } else {
                write!(reader.get_mut(), "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            }
        }
    });
    (address, receiver)
}

/// A user whose acts are told to a chat.
fn with_chat(stage: &Stage, address: &str) -> User {
    let config = stage.config.with_file_name(format!("chat-{}.toml", fastrand::u32(..)));
    let text = std::fs::read_to_string(&stage.config).unwrap();
    std::fs::write(&config, format!("{text}\n[ledger]\nwebhook = \"{address}\"\n")).unwrap();
    User::new(&config)
}

/// The chat's address stands nowhere: not in what was said, and in no file of the user.
fn is_kept_secret(user: &User, ran: &[&Ran]) {
    for ran in ran {
        assert!(!ran.out.contains(SECRET) && !ran.err.contains(SECRET), "{ran:?}");
    }
    stands_nowhere(&user.state());
}

fn stands_nowhere(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            stands_nowhere(&path);
        } else {
            assert!(!String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(SECRET), "{}", path.display());
        }
    }
}

#[test]
fn a_chat_is_told_once_with_the_hash_of_the_head() {
    let (stage, (address, told)) = (stage(), chat("200 OK"));
    let user = with_chat(&stage, &address);
    let ran = user.act("promote", "shop/web", &["--wait", "20s"]);
    ran.is(0, "observed");
    let text = told.recv_timeout(Duration::from_secs(10)).unwrap()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("promote 20→60 % shop/web (rev 2) in prod: because of the test"), "{text}");
    let head = text.split("head ").nth(1).unwrap();
    let verified = user.run(&["ledger", "verify", "--head", head]);
    verified.is(0, "has the hash asked");
    assert!(text.contains(user.acts()[0]["act"].as_str().unwrap()), "{text}");
    let rolled = user.act("rollback", "shop/web", &["--wait", "20s"]);
    rolled.is(0, "is stable and healthy");
    let text = told.recv_timeout(Duration::from_secs(10)).unwrap()["text"].to_string();
    assert!(text.contains("roll back shop/web"), "{text}");
    let refused = user.act("promote", "shop/web", &[]);
    refused.is(1, "cannot be done");
    assert!(told.recv_timeout(Duration::from_millis(300)).is_err(), "one message for an act, and none for what was refused");
    is_kept_secret(&user, &[&ran, &rolled, &refused, &verified]);
}

#[test]
fn a_chat_that_is_dead_or_broken_fails_nothing() {
    let stage = stage();
    let dead = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/services/{SECRET}", listener.local_addr().unwrap())
    };
    let (broken, silent) = (chat("500 Internal Server Error"), chat(""));
    for (verb, address) in [("pause", &dead), ("resume", &broken.0), ("abort", &silent.0)] {
        let user = with_chat(&stage, address);
        let begun = std::time::Instant::now();
        let ran = user.act(verb, "shop/web", &["--wait", "20s"]);
        ran.is(0, "observed");
        assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
        is_kept_secret(&user, &[&ran]);
        user.is_settled();
    }
    assert!(broken.1.try_recv().is_ok() && silent.1.try_recv().is_ok());
}

/// Where a process started by the test below finds what it needs.
const USER: &str = "PILOTHOUSE_TEST_USER";

/// Not a test: a process that acts and logs everything.
#[test]
#[ignore = "started by another test"]
fn a_process_that_logs_everything() {
    let Some(config) = std::env::var_os(USER) else { return };
    let user = User::new(Path::new(&config));
    let log = Path::new(&config).with_extension("log");
    drop(pilothouse::log::start("trace", Some(&log)));
    let patience = Patience { answer: Duration::from_secs(1), ..Patience::default() };
    let actor = Actor::new(&settings(&user), patience);
    let heard = actor.carry(actor.decide(Verb::Hold, "shop", "web"));
    assert!(matches!(heard.outcome, Outcome::Observed(_)), "{heard:?}");
}

#[test]
fn a_log_of_everything_says_that_a_chat_failed_and_not_where_it_is() {
    let (stage, (address, _told)) = (stage(), chat("500 Internal Server Error"));
    let config = with_chat(&stage, &address).config;
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args(["--exact", "acts::told::a_process_that_logs_everything", "--ignored", "--nocapture"]);
    let output = process.env(USER, &config).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let log = std::fs::read_to_string(config.with_extension("log")).unwrap();
    assert!(log.contains("the webhook did not take the message: HTTP 500"), "{log}");
    assert!(!log.contains(SECRET) && !log.contains("/services/"), "{log}");
}

/// What kubectl says; None, and why, where there is none.
pub fn kubectl(kubeconfig: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("kubectl");
    command.env("KUBECONFIG", kubeconfig).env("HOME", kubeconfig.parent().unwrap()).env_remove("HTTP_PROXY").args(arguments);
    let Ok(output) = command.output() else {
        assert!(std::env::var_os("CI_REQUIRE_REAL").is_none(), "kubectl is required and cannot be started");
        println!("skipped: kubectl cannot be started here");
        return None;
    };
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The Event and the annotation of an act, as kubectl shows them.
pub fn is_seen(kubeconfig: &Path, namespace: &str, name: &str, (reason, verb): (&str, &str)) {
    let Some(events) = kubectl(kubeconfig, &["get", "events", "-n", namespace]) else { return };
    let event = events.lines().find(|line| line.contains(reason) && line.contains(&format!("rollout/{name}")));
    assert!(event.is_some_and(|line| line.contains("because of the test")), "{events}");
    let described = kubectl(kubeconfig, &["describe", "ro", name, "-n", namespace]).unwrap();
    let (annotations, events) = described.split_once("Events:").unwrap();
    assert!(
        annotations.contains("pilothouse.dev/last-action:") && annotations.contains(&format!("\"verb\":\"{verb}\"")),
        "{described}"
    );
    assert!(events.contains(reason) && events.contains("pilothouse") && events.contains("because of the test"), "{described}");
}

#[test]
fn a_real_kubectl_sees_the_event_and_the_annotation() {
    let stage = stage();
    let before = stage.rollout("shop", "web")["metadata"]["generation"].clone();
    stage.act("promote", "shop/web", &["--ticket", "OPS-12", "--wait", "0s"]).is(3, "nobody waited for its effect");
    is_seen(&stage.kubeconfig(), "shop", "web", ("PilothousePromote", "promote"));
    stage.act("abort", "shop/web", &[]).is(0, "observed");
    is_seen(&stage.kubeconfig(), "shop", "web", ("PilothouseAbort", "abort"));
    let after = stage.get(&path("shop", "web"));
    assert_eq!(after["metadata"]["generation"], before, "what is told is no change of the spec");
    // Where that may not be written, the act is done all the same.
    stage.admin.must("POST", "/_world/fault", Some(&json!({ "kind": "forbid", "verb": "create", "resource": "events" })));
    stage.admin.must("POST", "/_world/fault", Some(&json!({ "kind": "forbid", "verb": "patch", "resource": "rollouts" })));
    stage.act("retry", "shop/web", &[]).is(0, "observed");
}

/// A user whose acts are noted in a Grafana at this port, below a path.
fn with_grafana(stage: &Stage, port: u16) -> User {
    let config = stage.config.with_file_name(format!("grafana-{port}.toml"));
    let token = config.with_extension("token");
    std::fs::write(&token, format!("{SECRET}\n")).unwrap();
    let text = std::fs::read_to_string(&stage.config).unwrap();
    let links = format!("grafana = \"http://127.0.0.1:{port}/grafana/\"\ngrafana_token_file = \"{}\"", token.display());
    std::fs::write(&config, format!("{text}\n[links]\n{links}\n")).unwrap();
    User::new(&config)
}

#[test]
fn an_act_is_noted_in_grafana_once_and_a_grafana_that_is_down_fails_nothing() {
    let stage = stage();
    let grafana = Liar::start(|_| body(200, &json!({ "id": 1, "message": "Annotation added" })));
    let user = with_grafana(&stage, grafana.port);
    let ran = user.act("promote", "shop/web", &["--wait", "20s"]);
    ran.is(0, "observed");
    let [asked] = &*grafana.asked() else { panic!("{:?}", grafana.asked()) };
    assert_eq!(
        (asked.target.as_str(), asked.authorization.as_str()),
        ("/grafana/api/annotations", format!("Bearer {SECRET}").as_str())
    );
    let noted: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(noted["tags"], json!(["pilothouse", "promote", "prod", "shop", "web"]));
    let text = noted["text"].as_str().unwrap();
    assert!(text.contains("promote 20→60 % shop/web (rev 2) in prod: because of the test"), "{text}");
    assert!(noted["time"].as_i64().is_some_and(|millis| millis > 1_700_000_000_000));
    let down = Liar::start(|_| text_of(503));
    let other = with_grafana(&stage, down.port);
    let rolled = other.act("rollback", "shop/web", &["--wait", "20s"]);
    rolled.is(0, "is stable and healthy");
    assert_eq!(down.asked().len(), 1, "it is not asked twice");
    is_kept_secret(&user, &[&ran]);
    is_kept_secret(&other, &[&rolled]);
}

fn text_of(code: u16) -> Answer {
    crate::support::liar::text(code, "text/plain", "not now")
}
