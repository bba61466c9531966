//! Lists and watches.

use serde_json::{Value, json};

use super::{ROLLOUT, ROLLOUTS, Stage, TEAM, rollout, unattended};

fn names(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

fn version(list: &Value) -> String {
    list["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

#[test]
fn a_list_in_pages_is_of_one_moment() {
    let stage = Stage::with(50);
    let all = names(&stage.get(ROLLOUTS).is(200));
    let first = stage.get(&format!("{ROLLOUTS}?&limit=20")).is(200);
    assert_eq!(
        (names(&first).len(), first["metadata"]["remainingItemCount"].as_u64()),
        (20, all.len().checked_sub(20).map(|n| n as u64))
    );
    stage.delete(&format!("{TEAM}/svc-00040")).is(200);
    let mut seen = names(&first);
    let mut token = first["metadata"]["continue"].clone();
    while let Some(text) = token.as_str().map(str::to_owned) {
        let page = stage.get(&format!("{ROLLOUTS}?limit=20&continue={text}")).is(200);
        assert_eq!(version(&page), version(&first));
        seen.extend(names(&page));
        token = page["metadata"]["continue"].clone();
    }
    assert_eq!(seen, all);
    assert_eq!(names(&stage.get(ROLLOUTS).is(200)).len(), all.len() - 1);
    let first = stage.get(&format!("{ROLLOUTS}?limit=20")).is(200);
    stage.post("/_world/compact", &Value::Null).is(200);
    let token = first["metadata"]["continue"].as_str().unwrap();
    stage.get(&format!("{ROLLOUTS}?limit=20&continue={token}")).refused(410, "Expired");
    stage.get(&format!("{ROLLOUTS}?continue=nonsense")).refused(400, "BadRequest");
}

#[test]
fn selectors_select_and_what_is_not_supported_is_refused() {
    let stage = Stage::with(5);
    let one = stage.get(&format!("{ROLLOUTS}?labelSelector=app+in+(svc-00001,none)")).is(200);
    assert_eq!(names(&one), ["svc-00001"]);
    let one = stage.get(&format!("{ROLLOUTS}?fieldSelector=metadata.name%3Dsvc-00002")).is(200);
    assert_eq!(names(&one), ["svc-00002"]);
    let refused = stage.get(&format!("{ROLLOUTS}?fieldSelector=status.phase=Healthy")).refused(400, "BadRequest");
    assert_eq!(refused, "field label not supported: status.phase");
    stage.get(&format!("{ROLLOUTS}?labelSelector=a+b+c")).refused(400, "BadRequest");
}

#[test]
fn lists_come_as_objects_tables_and_bare_metadata() {
    let stage = Stage::with(1);
    let list = stage.get(TEAM).is(200);
    assert_eq!((&list["kind"], &list["items"][0]["kind"]), (&json!("RolloutList"), &json!("Rollout")));
    let namespaces = stage.get("/api/v1/namespaces").is(200);
    assert_eq!(namespaces["items"][0]["kind"], Value::Null, "items of built-in kinds carry no type");
    let table = stage.accept(TEAM, "application/json;as=Table;v=v1;g=meta.k8s.io,application/json").is(200);
    let columns: Vec<_> = table["columnDefinitions"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(columns, ["Name", "Desired", "Current", "Up-to-date", "Available", "Age"]);
    assert_eq!(table["rows"][0]["cells"][0], "svc-00000");
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    let metadata = stage.accept(TEAM, "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io").is(200);
    assert_eq!(metadata["kind"], "PartialObjectMetadataList");
    assert_eq!(metadata["items"][0]["spec"], Value::Null);
}

#[test]
fn a_watch_resumes_after_a_version_and_tells_what_a_selector_sees() {
    let stage = Stage::with(1);
    let start = version(&stage.get(TEAM).is(200));
    let mut everything = stage.watch(&format!("{TEAM}?watch=true&resourceVersion={start}"));
    let mut selected = stage.watch(&format!("{TEAM}?watch=1&labelSelector=x=y&resourceVersion={start}"));
    stage.post(TEAM, &rollout("fresh", &unattended())).is(201);
    let path = format!("{TEAM}/fresh");
    stage.patch(&path, super::http::MERGE, &json!({ "metadata": { "labels": { "x": "y" } } })).is(200);
    stage.patch(&path, super::http::MERGE, &json!({ "metadata": { "labels": { "x": "z" } } })).is(200);
    stage.delete(&path).is(200);
    for kind in ["ADDED", "MODIFIED", "MODIFIED", "DELETED"] {
        assert_eq!(everything.told(), (kind.to_owned(), "fresh".to_owned()));
    }
    for kind in ["ADDED", "DELETED"] {
        assert_eq!(selected.told(), (kind.to_owned(), "fresh".to_owned()));
    }
    // A late watcher gets the same from the history.
    let mut late = stage.watch(&format!("{TEAM}?watch=true&resourceVersion={start}"));
    assert_eq!(late.told().0, "ADDED");
}

#[test]
fn a_watch_without_a_version_begins_with_what_is_there() {
    let stage = Stage::with(1);
    for query in ["watch=true", "watch=true&resourceVersion=0"] {
        let mut watch = stage.watch(&format!("{TEAM}?{query}&timeoutSeconds=1&allowWatchBookmarks=true"));
        assert_eq!(watch.told(), ("ADDED".to_owned(), "svc-00000".to_owned()));
        assert_eq!(watch.told().0, "BOOKMARK", "before it ends");
        assert_eq!(watch.next(), None);
    }
}

#[test]
fn a_streaming_list_says_where_it_ends() {
    let stage = Stage::with(41);
    let query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = stage.watch(&format!("{TEAM}?{query}"));
    assert_eq!(watch.told().1, "svc-00000");
    assert_eq!(watch.told().1, "svc-00040");
    let end = watch.next().unwrap();
    assert_eq!(end["type"], "BOOKMARK");
    assert_eq!(end["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    let version = end["object"]["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    stage.patch(ROLLOUT, super::http::MERGE, &json!({ "spec": { "replicas": 9 } })).is(200);
    assert_eq!(watch.told(), ("MODIFIED".to_owned(), "svc-00000".to_owned()));
    assert_eq!(stage.watch(&format!("{TEAM}?watch=true&resourceVersion={version}")).told().0, "MODIFIED");
    stage.get(&format!("{TEAM}?watch=true&sendInitialEvents=true")).refused(422, "Invalid");
}

#[test]
fn a_version_that_is_forgotten_or_from_another_world_has_expired() {
    let stage = Stage::with(1);
    let start = version(&stage.get(TEAM).is(200));
    stage.patch(ROLLOUT, super::http::MERGE, &json!({ "spec": { "replicas": 9 } })).is(200);
    stage.post("/_world/compact", &Value::Null).is(200);
    for version in [start.as_str(), "1", "99999999"] {
        let mut watch = stage.watch(&format!("{TEAM}?watch=true&resourceVersion={version}"));
        let error = watch.next().unwrap();
        assert_eq!((&error["type"], &error["object"]["code"]), (&json!("ERROR"), &json!(410)), "{version}");
        assert_eq!(watch.next(), None);
    }
}

#[test]
fn a_watch_of_tables_names_the_columns_once() {
    let stage = Stage::with(41);
    let mut watch = stage.watch_as(&format!("{TEAM}?watch=true"), "application/json;as=Table;v=v1;g=meta.k8s.io");
    let (first, second) = (watch.next().unwrap(), watch.next().unwrap());
    assert!(first["object"]["columnDefinitions"].is_array());
    assert!(second["object"]["columnDefinitions"].is_null());
    assert_eq!(second["object"]["rows"][0]["cells"][0], "svc-00040");
}

#[test]
fn everything_has_been_told_when_time_has_passed() {
    let stage = Stage::with(1);
    let start = version(&stage.get(TEAM).is(200));
    let mut watch = stage.watch(&format!("{TEAM}?watch=true&resourceVersion={start}"));
    stage.patch(ROLLOUT, super::http::MERGE, &json!({ "spec": { "replicas": 9 } })).is(200);
    stage.post("/_world/advance?seconds=1", &Value::Null).is(200);
    assert_eq!(watch.told().0, "MODIFIED");
    assert!(watch.is_silent());
}
