//! Reads dumped Kubernetes objects from files, folders and stdin into a [`Cluster`]: any mix of YAML and JSON, single objects,
//! lists, typed lists, several documents, JSON lines. What is broken is named and never hides the rest; what is of no interest here
//! is passed over.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Failure;
use crate::app::cluster::Cluster;
use crate::domain::fact::{News, Object, Reading};
use crate::domain::id::Kind;
use crate::domain::object::decode_value;

/// Files that are read in a folder.
const EXTENSIONS: [&str; 5] = ["json", "jsonl", "ndjson", "yaml", "yml"];
/// Folders within folders that are followed: a link in a circle ends here.
const DEEPEST: usize = 16;

/// What was read.
#[derive(Debug, Default)]
pub struct Dump {
    /// The objects.
    pub cluster: Cluster,
    /// The newest time that any object tells of, except times that lie ahead by their meaning.
    pub newest: Option<Timestamp>,
    /// What could not be read, one sentence each.
    pub complaints: Vec<String>,
    /// Objects that were read, of whatever kind.
    pub objects: usize,
}

/// Reads files, folders and, for `-`, stdin.
pub fn read(sources: &[PathBuf]) -> Result<Dump, Failure> {
    let mut dump = Dump::default();
    for source in sources {
        if source.as_os_str() == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| unreadable("stdin", &error))?;
            dump.add_bytes("stdin", bytes);
        } else if source.is_dir() {
            dump.add_folder(source, 0);
        } else {
            let bytes = fs::read(source).map_err(|error| unreadable(&source.display().to_string(), &error))?;
            dump.add_bytes(&source.display().to_string(), bytes);
        }
    }
    for kind in [Kind::Rollout, Kind::Canary, Kind::ReplicaSet, Kind::Pod, Kind::AnalysisRun, Kind::Experiment, Kind::Event] {
        dump.cluster.apply(News::Reading(kind, Reading::Live));
    }
    Ok(dump)
}

fn unreadable(source: &str, error: &std::io::Error) -> Failure {
    Failure::Refused(format!("{source} cannot be read: {error}."))
}

/// A document that may be a list, with its items still as text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    api_version: Option<String>,
    #[serde(default, borrow)]
    items: Option<Vec<&'a RawValue>>,
}

impl Dump {
    /// Reads one text.
    pub fn add_bytes(&mut self, name: &str, bytes: Vec<u8>) {
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                self.complaints.push(format!("{name} is not UTF-8 text; what can be made out of it is read."));
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            }
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let objects = self.objects;
        let complaints = self.complaints.len();
        if text.trim_start().starts_with(['{', '[']) && !self.add_json(name, text) {
            // Not JSON from the start: YAML may begin with a brace too.
            self.complaints.truncate(complaints);
            self.add_yaml(name, text);
        } else if !text.trim_start().starts_with(['{', '[']) {
            self.add_yaml(name, text);
        }
        if self.objects == objects && self.complaints.len() == complaints {
            self.complaints.push(format!("{name} has no Kubernetes objects in it."));
        }
    }

    fn add_folder(&mut self, folder: &Path, depth: usize) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.complaints.push(format!("{} cannot be read: {error}.", folder.display())),
        };
        let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let known = path.extension().is_some_and(|found| EXTENSIONS.iter().any(|known| found.eq_ignore_ascii_case(known)));
            if path.is_dir() && depth < DEEPEST {
                self.add_folder(&path, depth + 1);
            } else if known && path.is_file() {
                match fs::read(&path) {
                    Ok(bytes) => self.add_bytes(&path.display().to_string(), bytes),
                    Err(error) => self.complaints.push(format!("{} cannot be read: {error}.", path.display())),
                }
            }
        }
    }

    /// Reads JSON documents one after the other. After a broken one it goes on with the next line that could begin a document.
    /// Returns whether anything was JSON.
    fn add_json(&mut self, name: &str, text: &str) -> bool {
        let (mut rest, mut line, mut any) = (text, 1, false);
        loop {
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
            let error = loop {
                match stream.next() {
                    None => return any,
                    Some(Ok(document)) => {
                        any = true;
                        self.add_json_document(name, document.get());
                    }
                    Some(Err(error)) => break error,
                }
            };
            let begin = stream.byte_offset();
            let broken_at = line + error.line().saturating_sub(1);
            self.complaints.push(format!("{name}, line {broken_at}: not JSON: {error}."));
            let Some(broken) = rest.get(begin..) else { return any };
            any |= self.salvage(name, broken);
            let next = broken.match_indices('\n').map(|(place, _)| place + 1).find(|place| {
                let tail = broken.get(*place..).unwrap_or_default();
                *place > 1 && tail.starts_with(['{', '['])
            });
            let Some(tail) = next.and_then(|place| broken.get(place..)) else { return any };
            line += rest.get(..rest.len() - tail.len()).unwrap_or_default().matches('\n').count();
            rest = tail;
        }
    }

    /// Takes the whole items out of a list that breaks off or is broken further on. Returns whether there were any.
    fn salvage(&mut self, name: &str, broken: &str) -> bool {
        let Some((head, mut rest)) = broken.split_once("\"items\"").and_then(|(head, tail)| Some((head, tail.split_once('[')?.1)))
        else {
            return false;
        };
        let field = |field: &str| head.split_once(field).and_then(|(_, tail)| tail.split('"').nth(1)).unwrap_or_default();
        let (kind, api_version) = (field("\"kind\""), field("\"apiVersion\""));
        let before = self.objects;
        loop {
            let mut items = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
            let Some(Ok(item)) = items.next() else { return self.objects > before };
            self.add_item(name, kind, api_version, item);
            rest = rest.get(items.byte_offset()..).unwrap_or_default().trim_start().trim_start_matches(',');
        }
    }

    fn add_json_document(&mut self, name: &str, text: &str) {
        if let Ok(Envelope { kind, api_version, items: Some(items) }) = serde_json::from_str(text) {
            let (kind, api_version) = (kind.unwrap_or_default(), api_version.unwrap_or_default());
            for item in items {
                match serde_json::from_str(item.get()) {
                    Ok(item) => self.add_item(name, &kind, &api_version, item),
                    Err(error) => self.complaints.push(format!("{name}: an item of {kind} is not JSON: {error}.")),
                }
            }
            return;
        }
        match serde_json::from_str(text) {
            Ok(value) => self.add_value(name, value),
            Err(error) => self.complaints.push(format!("{name}: not JSON: {error}.")),
        }
    }

    /// Reads YAML documents, each by itself, so that a broken one costs only itself.
    fn add_yaml(&mut self, name: &str, text: &str) {
        for (line, document) in documents(text) {
            if document.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with(['#', '%'])) {
                continue;
            }
            let options = serde_saphyr::options! { budget: None, with_snippet: false };
            match serde_saphyr::from_str_with_options::<Value>(document, options) {
                Ok(Value::Null) => {}
                Ok(value) => self.add_value(name, value),
                Err(error) => self.complaints.push(format!("{name}, document at line {line}: not YAML: {error}.")),
            }
        }
    }

    /// Takes in a document: an object, a list of objects, or an array of them.
    fn add_value(&mut self, name: &str, mut value: Value) {
        if let Value::Array(items) = value {
            for item in items {
                self.add_value(name, item);
            }
            return;
        }
        if let Some(Value::Array(items)) = value.get_mut("items").map(Value::take) {
            let text = |field| value.get(field).and_then(Value::as_str).unwrap_or_default();
            let (kind, api_version) = (text("kind").to_owned(), text("apiVersion").to_owned());
            for item in items {
                self.add_item(name, &kind, &api_version, item);
            }
            return;
        }
        self.add_object(name, &value);
    }

    /// Takes in an item of a list. Items of a typed list do not say their kind themselves.
    fn add_item(&mut self, name: &str, list: &str, api_version: &str, mut item: Value) {
        if let (Some(fields), Some(kind)) = (item.as_object_mut(), list.strip_suffix("List").filter(|kind| !kind.is_empty()))
            && !fields.contains_key("kind")
        {
            fields.insert("kind".to_owned(), kind.into());
            fields.insert("apiVersion".to_owned(), api_version.into());
        }
        self.add_value(name, item);
    }

    fn add_object(&mut self, name: &str, value: &Value) {
        let Some(kind) = value.get("kind").and_then(Value::as_str) else {
            self.complaints.push(format!("{name}: a document without a kind is no Kubernetes object."));
            return;
        };
        self.objects += 1;
        newest(value, &mut self.newest);
        let group =
            value.get("apiVersion").and_then(Value::as_str).and_then(|version| version.split_once('/')).map(|(group, _)| group);
        let Some(object) = object(kind, group, value) else { return };
        let unnamed = value.pointer("/metadata/name").and_then(Value::as_str).is_none_or(str::is_empty);
        if unnamed {
            self.complaints.push(format!("{name}: a {kind} without a name is left out."));
            return;
        }
        self.cluster.apply(News::Is(object));
    }
}

/// Cuts YAML into its documents, each with the line it begins at.
fn documents(text: &str) -> Vec<(usize, &str)> {
    let (mut all, mut begin, mut begin_line, mut place) = (Vec::new(), 0, 1, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let mark = line.trim_end();
        let after = place + line.len();
        if matches!(mark, "---" | "...") || mark.starts_with("--- ") {
            all.push((begin_line, text.get(begin..place).unwrap_or_default()));
            // What follows the mark on its line belongs to the document: `--- {kind: Pod}`.
            let inline = mark.strip_prefix("--- ").is_some_and(|rest| !rest.trim_start().starts_with('#'));
            begin = if inline { place + 4 } else { after };
            begin_line = if inline { index + 1 } else { index + 2 };
        }
        place = after;
    }
    all.push((begin_line, text.get(begin..).unwrap_or_default()));
    all
}

/// Decodes an object of a kind that matters here.
fn object(kind: &str, group: Option<&str>, value: &Value) -> Option<Object> {
    let of = |wanted: &str| group.is_none_or(|group| group == wanted);
    Some(match kind {
        "Rollout" if of("argoproj.io") => Object::Rollout(Arc::new(decode_value(value))),
        "AnalysisRun" if of("argoproj.io") => Object::AnalysisRun(Arc::new(decode_value(value))),
        "Experiment" if of("argoproj.io") => Object::Experiment(Arc::new(decode_value(value))),
        "Canary" if of("flagger.app") => Object::Canary(Arc::new(decode_value(value))),
        "ReplicaSet" if of("apps") => Object::ReplicaSet(Arc::new(decode_value(value))),
        "Pod" if group.is_none() => Object::Pod(Arc::new(decode_value(value))),
        "Event" if of("events.k8s.io") => Object::Event(Arc::new(decode_value(value))),
        _ => return None,
    })
}

/// Finds the newest time in an object. Times that are plans (`restartAt`, `resumeAt`) and texts in annotations do not count.
fn newest(value: &Value, found: &mut Option<Timestamp>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if tells_time(name) => *found = (*found).max(text.parse().ok()),
                    _ if name == "annotations" => {}
                    field => newest(field, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| newest(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn tells_time(field: &str) -> bool {
    let named = field == "time" || field.ends_with("Time") || field.ends_with("Timestamp") || field.ends_with("At");
    named && !matches!(field, "restartAt" | "resumeAt")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Dump {
        let mut dump = Dump::default();
        dump.add_bytes("dump", text.as_bytes().to_vec());
        dump
    }

    fn names(dump: &Dump) -> Vec<String> {
        let mut names: Vec<_> = dump.cluster.keys().map(ToString::to_string).collect();
        names.sort();
        names
    }

    fn rollout(name: &str) -> String {
        format!(r#"{{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{{"namespace":"shop","name":"{name}"}}}}"#)
    }

    #[test]
    fn json_in_every_shape() {
        let (a, b) = (rollout("a"), rollout("b"));
        let bare = r#"{"metadata":{"namespace":"shop","name":"c"}}"#;
        let shapes = [
            format!("{a}{b}"),
            format!("{a}\n{b}\n"),
            format!("[{a},{b}]"),
            format!(r#"{{"kind":"List","apiVersion":"v1","items":[{a},{{"kind":"Secret","metadata":{{"name":"x"}}}},{b}]}}"#),
        ];
        for shape in shapes {
            let dump = read(&shape);
            assert_eq!((names(&dump), &dump.complaints), (vec!["shop/a".to_owned(), "shop/b".to_owned()], &vec![]), "{shape}");
        }
        let typed = format!(r#"{{"kind":"RolloutList","apiVersion":"argoproj.io/v1alpha1","items":[{bare}]}}"#);
        assert_eq!(names(&read(&typed)), ["shop/c"]);
        let mixed = format!(r#"[{{"kind":"List","items":[{a}]}},{b}]"#);
        assert_eq!(names(&read(&mixed)), ["shop/a", "shop/b"]);
    }

    #[test]
    fn yaml_in_every_shape() {
        let one = |name: &str| {
            format!("kind: Rollout\nmetadata:\n  namespace: shop\n  name: {name}\nstatus:\n  observedGeneration: \"3\"\n")
        };
        let list = "# what was there\nkind: List\nitems:\n- kind: Rollout\n  metadata: {name: a, namespace: shop}\n- kind: Pod\n  metadata: {name: p}\n";
        assert_eq!(names(&read(list)), ["shop/a"]);
        let several = format!(
            "---\n{}---\n# nothing\n---\n{}...\n--- {{kind: Canary, metadata: {{namespace: shop, name: c}}}}\n",
            one("a"),
            one("b")
        );
        let dump = read(&several);
        assert_eq!((names(&dump), &dump.complaints), (vec!["shop/a".into(), "shop/b".into(), "shop/c".into()], &vec![]));
        assert_eq!(names(&read(&one("a").replace('\n', "\r\n"))), ["shop/a"]);
        assert_eq!(names(&read(&format!("\u{feff}{}", one("a")))), ["shop/a"]);
        assert_eq!(names(&read("{kind: Rollout, metadata: {name: a, namespace: shop}}")), ["shop/a"]);
    }

    #[test]
    fn what_is_broken_is_named_and_hides_nothing() {
        let lines = format!("{}\n{{\"kind\": \"Roll\n{}\n", rollout("a"), rollout("b"));
        let dump = read(&lines);
        assert_eq!(names(&dump), ["shop/a", "shop/b"]);
        assert!(dump.complaints[0].starts_with("dump, line 2: not JSON"), "{:?}", dump.complaints);
        let documents = "kind: Rollout\nmetadata: {name: a, namespace: shop}\n---\nkind: [\n---\nkind: Rollout\nmetadata: {name: b, namespace: shop}\n";
        let dump = read(documents);
        assert_eq!(names(&dump), ["shop/a", "shop/b"]);
        assert!(dump.complaints[0].starts_with("dump, document at line 4: not YAML"), "{:?}", dump.complaints);
        let torn = format!(
            r#"{{"apiVersion":"argoproj.io/v1alpha1","kind":"RolloutList","items":[{{"metadata":{{"name":"a"}}}}, {},{{"kind":"Ro"#,
            rollout("b")
        );
        assert_eq!((names(&read(&torn)), read(&torn).complaints.len()), (vec!["/a".to_owned(), "shop/b".to_owned()], 1));
        let odd = read(r#"{"kind":"Rollout","metadata":{"name":"a","namespace":"shop"},"spec":{"replicas":"five"}}"#);
        let key = odd.cluster.keys().next().unwrap();
        assert!(odd.cluster.glance(key).unwrap().odd);
        for (text, complaint) in [
            ("", "no Kubernetes objects"),
            ("{}", "without a kind"),
            (r#"{"kind":"Rollout"}"#, "a Rollout without a name"),
            ("hello", "without a kind"),
        ] {
            assert!(read(text).complaints.iter().any(|said| said.contains(complaint)), "{text}: {:?}", read(text).complaints);
        }
    }

    #[test]
    fn a_canary_of_others_is_none_of_ours() {
        assert!(names(&read(r#"{"apiVersion":"example.com/v1","kind":"Canary","metadata":{"name":"a"}}"#)).is_empty());
    }

    #[test]
    fn the_newest_time_is_no_plan() {
        let text = r#"{"kind":"Rollout","metadata":{"name":"a","creationTimestamp":"2026-01-01T00:00:00Z","annotations":{"scale-down-deadline":"2027-01-01T00:00:00Z"}},
            "spec":{"restartAt":"2028-01-01T00:00:00Z"},"status":{"conditions":[{"lastUpdateTime":"2026-01-02T00:00:00Z"}],"message":"2029-01-01T00:00:00Z"}}"#;
        assert_eq!(read(text).newest, "2026-01-02T00:00:00Z".parse().ok());
    }
}
