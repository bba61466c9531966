//! What goes wrong on purpose goes wrong as it does in the world outside.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::{Answer, MERGE};
use super::{ROLLOUT, Stage, TEAM};

fn fault(stage: &Stage, fault: &Value) {
    stage.post("/_world/fault", fault).is(201);
}

#[test]
fn a_status_hits_as_often_as_it_says_and_only_its_path() {
    let stage = Stage::with(1);
    fault(&stage, &json!({ "kind": "status", "code": 503, "path": "/apis/argoproj.io", "count": 2 }));
    stage.get("/api/v1/namespaces").is(200);
    stage.get(TEAM).refused(503, "ServiceUnavailable");
    assert_eq!(stage.get("/_world/fault").is(200)["faults"][0]["count"], 1);
    stage.get(TEAM).refused(503, "ServiceUnavailable");
    stage.get(TEAM).is(200);
    assert_eq!(stage.get("/_world/fault").is(200)["faults"], json!([]));
    stage.post("/_world/fault", &json!({ "kind": "nonsense" })).refused(400, "BadRequest");
}

#[test]
fn a_fault_lasts_as_long_as_it_says() {
    let stage = Stage::with(1);
    fault(&stage, &json!({ "kind": "status", "code": 500, "seconds": 0.3 }));
    stage.get(TEAM).refused(500, "InternalError");
    std::thread::sleep(Duration::from_millis(320));
    stage.get(TEAM).is(200);
}

#[test]
fn too_many_requests_say_when_to_come_back() {
    let stage = Stage::with(1);
    fault(&stage, &json!({ "kind": "too_many_requests", "retry_after": 7, "count": 1 }));
    let answer = stage.get(TEAM);
    answer.refused(429, "TooManyRequests");
    assert!(answer.headers.contains("retry-after: 7"), "{}", answer.headers);
}

#[test]
fn answers_come_late_half_or_never() {
    let stage = Stage::with(1);
    fault(&stage, &json!({ "kind": "delay", "milliseconds": 250, "count": 1 }));
    let asked = Instant::now();
    stage.get(TEAM).is(200);
    assert!(asked.elapsed() >= Duration::from_millis(250));
    fault(&stage, &json!({ "kind": "truncate", "count": 1 }));
    let half = stage.get(TEAM);
    assert!(half.code == 200 && !half.complete && half.text.starts_with("{\"apiVersion\""), "{} {}", half.code, half.text);
    fault(&stage, &json!({ "kind": "reset", "count": 1 }));
    let nothing = stage.get(TEAM);
    assert_eq!((nothing.code, nothing.complete), (0, false));
    fault(&stage, &json!({ "kind": "hang", "count": 1 }));
    let bearer = format!("Bearer {}", stage.world.token);
    let mut hung = stage.send("GET", TEAM, &[("Authorization", &bearer)], "");
    hung.get_ref().set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert_eq!(Answer::read(&mut hung).code, 0);
    stage.get(TEAM).is(200);
}

#[test]
fn open_watches_end_expire_or_fall_silent() {
    let stage = Stage::with(1);
    let open = || {
        let mut watch = stage.watch(&format!("{TEAM}?watch=true"));
        assert_eq!(watch.told().0, "ADDED");
        watch
    };
    let change = |replicas: u32| stage.patch(ROLLOUT, MERGE, &json!({ "spec": { "replicas": replicas } })).is(200);
    let mut watch = open();
    fault(&stage, &json!({ "kind": "drop_watch", "count": 1 }));
    assert_eq!(watch.next(), None);
    let mut watch = open();
    fault(&stage, &json!({ "kind": "expired", "only": "watch", "count": 1 }));
    assert_eq!(watch.next().unwrap()["object"]["code"], 410);
    assert_eq!(watch.next(), None);
    let mut watch = open();
    fault(&stage, &json!({ "kind": "silent_watch", "count": 1 }));
    std::thread::sleep(Duration::from_millis(50));
    change(21);
    assert!(watch.is_silent());
    let mut watch = open();
    change(22);
    assert_eq!(watch.told().0, "MODIFIED", "a new watch hears again");
}

#[test]
fn an_outage_closes_everything_and_ends() {
    let stage = Stage::with(1);
    let mut watch = stage.watch(&format!("{TEAM}?watch=true"));
    assert_eq!(watch.told().0, "ADDED");
    stage.post("/_world/outage?seconds=1.5", &Value::Null).is(200);
    assert_eq!(watch.next(), None);
    let address = stage.world.urls.last().unwrap().strip_prefix("http://").unwrap().to_owned();
    let since = Instant::now();
    while std::net::TcpStream::connect(&address).is_ok() {
        assert!(since.elapsed() < Duration::from_millis(1400), "the API never went away");
        std::thread::sleep(Duration::from_millis(5));
    }
    while std::net::TcpStream::connect(&address).is_err() {
        assert!(since.elapsed() < Duration::from_secs(5), "the API stayed away");
        std::thread::sleep(Duration::from_millis(20));
    }
    stage.get(TEAM).is(200);
}
