//! Reads every recorded snapshot of a real controller and says of it what `kubectl argo rollouts` said. The recordings lie beside
//! the repository; where they are missing the tests say so, and in CI (`CI_REQUIRE_REAL`) that is a failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::Timestamp;
use pilothouse::app::metrics::Metrics;
use pilothouse::cli::dump::{self, Dump};
use pilothouse::cli::status::{Known, Origin, render_json, render_text, select};
use serde_json::{Map, Value};

/// Differences that are shown.
const SHOWN: usize = 40;

/// The folder with the recordings, if it is here.
fn captures() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let root = std::env::var_os("PILOTHOUSE_SHARED").map_or_else(beside, PathBuf::from).join("captures");
    if root.is_dir() {
        return Some(root);
    }
    assert!(std::env::var_os("CI_REQUIRE_REAL").is_none(), "the recordings are not at {}", root.display());
    println!("skipped: no recordings at {}", root.display());
    None
}

/// Every snapshot: the path without its endings.
fn snapshots(root: &Path) -> Vec<PathBuf> {
    let listed = |folder: &Path| {
        let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let stories = listed(root).into_iter().filter(|path| path.is_dir());
    let files = stories.flat_map(|story| listed(&story));
    files.filter_map(|path| path.to_str()?.strip_suffix(".expected.json").map(PathBuf::from)).collect()
}

/// Dumped objects, of which nothing was measured.
fn known(dump: &Dump) -> Known<'_> {
    static NOTHING: OnceLock<Metrics> = OnceLock::new();
    Known { cluster: &dump.cluster, metrics: NOTHING.get_or_init(Metrics::default) }
}

fn with_ending(stem: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", stem.display()))
}

/// A snapshot as `status -f` reads it, and the moment of it.
fn read(stem: &Path) -> (Dump, Timestamp, String) {
    let told = fs::read_to_string(with_ending(stem, ".txt")).unwrap();
    let at = told.lines().next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
    let dump = dump::read(&[with_ending(stem, ".json")]).unwrap();
    assert_eq!(dump.complaints, Vec::<String>::new(), "{}", stem.display());
    (dump, at, told)
}

fn element(stem: &Path, name: &str) -> Map<String, Value> {
    let (dump, at, _) = read(stem);
    let keys = select(&dump.cluster, None, None).unwrap();
    let text = render_json(known(&dump), &keys, at, Origin::default()).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["version"], 1);
    let rollouts = document["rollouts"].as_array().unwrap();
    rollouts.iter().find(|rollout| rollout["name"] == name).unwrap().as_object().unwrap().clone()
}

/// Whether everything that is wanted is there and equal; lists have equal lengths, tags may stand in any order.
fn holds(key: &str, want: &Value, got: &Value) -> bool {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => {
            want.iter().all(|(key, want)| holds(key, want, got.get(key).unwrap_or(&Value::Null)))
        }
        (Value::Array(want), Value::Array(got)) if key == "tags" => {
            let sorted = |tags: &[Value]| {
                let mut tags: Vec<_> = tags.iter().map(Value::to_string).collect();
                tags.sort();
                tags
            };
            sorted(want) == sorted(got)
        }
        (Value::Array(want), Value::Array(got)) => {
            want.len() == got.len() && want.iter().zip(got).all(|(want, got)| holds("", want, got))
        }
        (want, got) => want == got,
    }
}

#[test]
fn every_snapshot_reads_as_the_plugin_says() {
    let Some(root) = captures() else { return };
    let (mut fields, mut wrong) = (0, Vec::new());
    for stem in snapshots(&root) {
        let mut want: Map<String, Value> =
            serde_json::from_slice(&fs::read(with_ending(&stem, ".expected.json")).unwrap()).unwrap();
        if want.get("kind").is_none_or(|kind| kind != "Canary") {
            want.entry("step").or_insert(Value::Null);
            want.entry("weight").or_insert(Value::Null);
        }
        let got = element(&stem, want["name"].as_str().unwrap());
        for (key, want) in &want {
            fields += 1;
            let got = got.get(key).unwrap_or(&Value::Null);
            if !holds(key, want, got) {
                wrong.push(format!("{} {key}: want {want} got {got}", stem.display()));
            }
        }
    }
    wrong.truncate(SHOWN);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(fields > 1000, "only {fields} fields were compared");
}

/// Lines of the tree without its blanks, without Jobs, which are not read here, and without the seconds of a delay: the plugin
/// looked at its clock a moment after the time that it was recorded under.
fn tree(text: &str) -> Vec<String> {
    let lines = text.lines().skip_while(|line| !line.starts_with("NAME ")).take_while(|line| !line.is_empty());
    let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let timeless = |line: String| line.split_once("delay:").map_or(line.clone(), |(before, _)| format!("{before}delay"));
    words.filter(|line| !line.contains(" Job ")).map(timeless).collect()
}

#[test]
fn the_tree_is_the_one_that_the_plugin_draws() {
    let Some(root) = captures() else { return };
    let mut trees = 0;
    for stem in snapshots(&root) {
        let (dump, at, told) = read(&stem);
        let Some((_, drawn)) = told.split_once("--- get\n") else { continue };
        let keys = select(&dump.cluster, None, None).unwrap();
        let ours = |at: Timestamp| tree(&render_text(known(&dump), &keys, at, false));
        // The moment was noted in whole seconds before the plugin looked.
        let next = at.checked_add(jiff::SignedDuration::from_secs(1)).unwrap();
        if ours(next) != tree(drawn) {
            assert_eq!(ours(at), tree(drawn), "{}", stem.display());
        }
        trees += 1;
    }
    assert!(trees > 50, "only {trees} trees were compared");
}

#[test]
fn recorded_troubles_are_explained() {
    let Some(root) = captures() else { return };
    let why = |story: &str| element(&root.join(story), "gateway")["why"].as_str().map(str::to_owned);
    assert_eq!(
        why("image-pull/002").unwrap(),
        "canary pod gateway-797d5bc69-vkk7x cannot pull gateway:bad: not found, for 16s; no progress within 15s"
    );
    assert_eq!(
        why("analysis-background-fails/008").unwrap(),
        "aborted: analysis gateway-54dcd8c468-2 failed: error-rate was 0.2, asked for result < 0.05 (2 of 6 failed)"
    );
    assert!(why("analysis-inconclusive/001").unwrap().contains("could not tell: error-rate was 0.2"));
    assert!(why("invalid-spec/000").unwrap().starts_with("the controller refuses the spec: spec.strategy.canary.stableService"));
    assert_eq!(why("abort-retry-undo/005").unwrap(), "aborted by request; no reason is recorded");
    assert!(
        why("flagger-failing-checks/006")
            .unwrap()
            .starts_with("rolled back: 2 checks failed, the last: external check load failed")
    );
    assert_eq!(why("flagger-gates/006").unwrap(), "the gate 'promote' has not let it be promoted yet");
    assert_eq!(why("canary-basic/003"), None);
}

#[test]
fn flagger_weights_are_told_only_where_they_are_true() {
    let Some(root) = captures() else { return };
    for stem in snapshots(&root).iter().filter(|stem| stem.display().to_string().contains("/flagger-")) {
        let (dump, at, _) = read(stem);
        let key = dump.cluster.keys().next().unwrap().clone();
        let canary = dump.cluster.canary(&key).unwrap();
        let release = dump.cluster.release(&key, at).unwrap();
        let says_progressing = &*canary.status.phase == "Progressing" && canary.spec.analysis.iterations.is_none();
        assert_eq!(release.weight.map(|weight| weight.set), says_progressing.then_some(canary.status.canary_weight));
        if matches!(&*canary.status.phase, "WaitingPromotion" | "Promoting") {
            assert_eq!(release.shown_weight, None, "{}", stem.display());
        }
    }
}
