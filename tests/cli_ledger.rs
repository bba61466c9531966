//! `pilothouse ledger …` as scripts and people see it, on a ledger that the library wrote.

use std::path::PathBuf;
use std::process::Output;

use jiff::Timestamp;
use pilothouse::ledger::{Authority, Body, Debt, Ending, Gate, Intent, Ledger, Object, Observed, Operator, Outcome, TICKET};
use serde_json::{Value, json};

use crate::cli::{command, stderr, stdout};

/// A user with a ledger.
struct Home {
    folder: tempfile::TempDir,
    ledger: Ledger,
}

impl Home {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path().join("pilothouse/ledger")).unwrap();
        Self { folder, ledger }
    }

    /// Three acts: one that is done and owes a ticket, one that was refused, one of which nobody knows.
    fn with_acts() -> Self {
        let home = Self::empty();
        home.add("2020-11-23T07:40:38.250Z", intent("1f3a9c02aa", "gateway", "rollback", "errors 4% > 1%\nsince 07:36"));
        let observed = vec![Observed { what: "aborted".into(), at: at("2020-11-23T07:40:39Z") }];
        home.add("2020-11-23T07:40:41Z", outcome("1f3a9c02aa", Ending::Observed, "all traffic is on revision 13", observed));
        home.add("2020-12-01T10:00:00Z", intent("2b00000000", "search", "promote", "=looks, \"good\" | to me"));
        home.add("2020-12-01T10:00:01Z", outcome("2b00000000", Ending::Refused, "the step moved", Vec::new()));
        let guarded = Intent {
            authority: Authority::Guard,
            environment: "stage".into(),
            owed: Vec::new(),
            ..of("3c00000000", "web", "abort", "p95 4 s")
        };
        home.add("2020-12-02T10:00:00Z", Body::Intent(guarded.into()));
        home.add("2020-12-02T10:00:01Z", Body::Owed(Debt { what: "gate of shop/mail".into(), ..Debt::default() }));
        home
    }

    fn add(&self, time: &str, body: Body) {
        self.ledger.append(at(time), body).unwrap();
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        command(&[&["ledger"], arguments].concat()).env("XDG_STATE_HOME", self.folder.path()).output().unwrap()
    }

    fn answer(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let answer: Value = serde_json::from_str(&self.answer(arguments)).unwrap();
        assert_eq!(answer["version"], 1);
        answer
    }

    fn refused(&self, arguments: &[&str], code: i32, phrase: &str) {
        let output = self.ask(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(stderr(&output).contains(phrase), "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}: an answer although there is none");
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("pilothouse/ledger").join(file)
    }
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn of(act: &str, name: &str, verb: &str, reason: &str) -> Intent {
    let object = Object {
        kind: "Rollout".into(),
        namespace: "shop".into(),
        name: name.into(),
        uid: "u1".into(),
        revision: Some(14),
        ..Object::default()
    };
    Intent {
        act: act.into(),
        operator: Operator { local: "dana".into(), kube: None, host: "laptop".into() },
        authority: Authority::Cli,
        environment: "prod".into(),
        cluster: "c1".into(),
        object,
        verb: verb.into(),
        plan: vec!["abort".into(), "restore the template".into()],
        reason: reason.into(),
        owed: vec![TICKET.into()],
        ..Intent::default()
    }
}

fn intent(act: &str, name: &str, verb: &str, reason: &str) -> Body {
    Body::Intent(of(act, name, verb, reason).into())
}

fn outcome(act: &str, result: Ending, detail: &str, observed: Vec<Observed>) -> Body {
    Body::Outcome(Outcome { act: act.into(), result, detail: detail.into(), observed, settled_by: None })
}

#[test]
fn acts_are_listed_as_a_table() {
    let home = Home::with_acts();
    let expected = "\
TIME                  ACT       WHO                   ENVIRONMENT  ROLLOUT       VERB      RESULT      TICKET  REASON
2020-11-23T07:40:38Z  1f3a9c02  dana@laptop           prod         shop/gateway  rollback  ✔ observed  owed    errors 4% > 1% since 07:36
2020-12-01T10:00:00Z  2b000000  dana@laptop           prod         shop/search   promote   ✖ refused   -       =looks, \"good\" | to me
2020-12-02T10:00:00Z  3c000000  guard of dana@laptop  stage        shop/web      abort     ◷ open      -       p95 4 s
";
    assert_eq!(home.answer(&["list"]), expected);
    let expected = "\
SINCE                 ACT       WHO          ENVIRONMENT  ROLLOUT       OWED               REASON
2020-11-23T07:40:38Z  1f3a9c02  dana@laptop  prod         shop/gateway  ticket             errors 4% > 1% since 07:36
2020-12-02T10:00:01Z  -         -            -            -             gate of shop/mail  -
";
    assert_eq!(home.answer(&["list", "--owed"]), expected);
}

#[test]
fn what_was_overridden_is_said_first() {
    let home = Home::empty();
    let words = "errors 1.8% > 1% for 3:12 (canary, 2,130 requests)";
    let gate = Gate {
        name: "errors".into(),
        verdict: "breach".into(),
        value: serde_json::Number::from_f64(0.018),
        limit: serde_json::Number::from_f64(0.01),
        comparator: "<".into(),
        unit: "ratio".into(),
        breached_seconds: 192,
        requests: Some(2130),
        words: words.into(),
    };
    let act = Intent { gates: vec![gate], overridden: vec!["errors".into()], ..of("4d", "web", "promote", "it is the load test") };
    home.add("2020-12-03T10:00:00Z", Body::Intent(act.into()));
    assert!(home.answer(&["list"]).contains("  overrode errors: it is the load test\n"), "{}", home.answer(&["list"]));
    let acts = home.json(&["list", "--json"]);
    assert_eq!((&acts["acts"][0]["overridden"], &acts["acts"][0]["gates"][0]["value"]), (&json!(["errors"]), &json!(0.018)));
    assert!(home.answer(&["export", "--format", "csv"]).contains(&format!(",\"{words}\",errors\r\n")), "quoted, at the end");
    assert!(home.answer(&["export", "--format", "markdown"]).contains("| overrode errors: it is the load test |"));
    assert!(home.answer(&["verify"]).contains("The ledger is whole"));
}

#[test]
fn acts_are_listed_for_scripts_and_chosen() {
    let home = Home::with_acts();
    let acts = home.json(&["list", "--json"]);
    let first = &acts["acts"][0];
    let expected = json!({
        "act": "1f3a9c02aa", "sequence": 1, "time": "2020-11-23T07:40:38.25Z", "operator": {"local": "dana", "host": "laptop"},
        "authority": "cli", "environment": "prod", "cluster": "c1",
        "object": {"kind": "Rollout", "namespace": "shop", "name": "gateway", "uid": "u1", "revision": 14}, "verb": "rollback",
        "plan": ["abort", "restore the template"], "reason": "errors 4% > 1%\nsince 07:36", "gates": [], "overridden": [], "ticket": null, "owes": ["ticket"],
        "outcome": {"time": "2020-11-23T07:40:41Z", "result": "observed", "detail": "all traffic is on revision 13",
            "observed": [{"what": "aborted", "at": "2020-11-23T07:40:39Z"}], "settled_by": null},
        "hash": first["hash"],
    });
    assert_eq!((first, first["hash"].as_str().unwrap().len()), (&expected, 64));
    assert_eq!(acts["acts"][2]["outcome"], Value::Null);
    let check = |arguments: &[&str], expected: &[&str]| {
        let answer = home.json(&[&["list", "--json"], arguments].concat());
        let names: Vec<_> =
            answer["acts"].as_array().unwrap().iter().map(|act| act["object"]["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(names, expected, "{arguments:?}");
    };
    check(&["--since", "2020-12-01"], &["search", "web"]);
    check(&["--since", "1s"], &[]);
    check(&["--rollout", "shop/search"], &["search"]);
    check(&["--rollout", "canary/search"], &[]);
    check(&["-e", "stage"], &["web"]);
    check(&["-n", "pay"], &[]);
    check(&["--open"], &["web"]);
    let owed = home.json(&["list", "--owed", "--json", "-e", "prod"]);
    assert_eq!(owed["owed"].as_array().unwrap().len(), 1);
    assert_eq!((&owed["owed"][0]["what"], &owed["owed"][0]["object"]["name"]), (&json!("ticket"), &json!("gateway")));
}

#[test]
fn a_ticket_is_settled_once() {
    let home = Home::with_acts();
    assert_eq!(home.answer(&["ticket", "1f3a", "INC-123"]), "Act 1f3a9c02 has the ticket INC-123.\n");
    assert!(home.answer(&["list"]).contains("  INC-123  errors 4%"));
    home.refused(&["ticket", "1f3a", "INC-124"], 1, "owes no ticket. It has 'INC-123'.");
    home.refused(&["ticket", "zz", "INC-124"], 1, "There is no act 'zz'.");
    let entries = home.json(&["export", "--format", "json"]);
    let last = entries["entries"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["kind"], &last["ticket"]), (&json!("settled"), &json!("INC-123")));
    assert!(last["operator"]["local"].as_str().is_some_and(|name| !name.is_empty()));
}

#[test]
fn verify_names_what_is_wrong_and_ends_with_1() {
    let home = Home::with_acts();
    let hash = home.json(&["verify", "--json"])["hash"].as_str().unwrap().to_owned();
    let whole = format!("✔ The ledger is whole: 6 entries in 2 files. The last is entry 6.\n  hash of the last     {hash}\n");
    assert_eq!(home.answer(&["verify"]), whole);
    assert_eq!(home.answer(&["verify", "--head", &hash[..20]]), whole + "  has the hash asked   entry 6\n");
    let month = home.path("2020-12.jsonl");
    let text = std::fs::read_to_string(&month).unwrap();
    std::fs::write(&month, text.replace("looks", "LOOKS")).unwrap();
    let output = home.ask(&["verify"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "✖ Entry 3, line 1 of 2020-12.jsonl is not the one that entry 4 follows.\nOf 6 entries in 2 files the chain vouches for 4 to 6.\n";
    assert!(stdout(&output).starts_with(expected), "{}", stdout(&output));
    let output = home.ask(&["verify", "--json", "--head", "0123456789abcdef"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["version"], &report["clean"], &report["vouched_from"]), (&json!(1), &json!(false), &json!(4)));
    let first = json!({"fault": "edited", "file": "2020-12.jsonl", "line": 1, "sequence": 3, "count": 1, "text": report["findings"][0]["text"]});
    assert_eq!(report["findings"][0], first);
    assert_eq!(report["findings"][1]["fault"], "unknown");
    assert!(stdout(&home.ask(&["verify", "--help"])).contains("What this proves, and what not"));
}

#[test]
fn the_record_is_exported() {
    let home = Home::with_acts();
    let csv = home.answer(&["export", "--format", "csv"]);
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(lines.len(), 8, "{csv}");
    assert!(lines[0].starts_with("sequence,time,kind,act,operator,"), "{csv}");
    assert!(lines[1].contains(",abort; restore the template,\"errors 4% > 1%\nsince 07:36\",,ticket,"), "{csv}");
    assert!(lines[2].contains(",observed,all traffic is on revision 13,"), "{csv}");
    assert!(lines[2].contains(",2020-11-23T07:40:39Z aborted,"), "{csv}");
    assert!(lines[3].contains(",\"'=looks, \"\"good\"\" | to me\","), "{csv}");
    let table = home.answer(&["export", "--format", "markdown", "--since", "2020-12-01"]);
    let expected = "\
| time | who | environment | rollout | verb | reason | result | detail | ticket |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| 2020-12-01T10:00:00Z | dana@laptop | prod | shop/search | promote | =looks, \"good\" \\| to me | ✖ refused | the step moved |  |
| 2020-12-02T10:00:00Z | guard of dana@laptop | stage | shop/web | abort | p95 4 s | ◷ open |  |  |
";
    assert_eq!(table, expected);
    let entries = home.json(&["export", "--format", "json", "--since", "2020-12-02"]);
    let kinds: Vec<_> = entries["entries"].as_array().unwrap().iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds, ["intent", "owed"]);
}

#[test]
fn what_is_not_there_is_no_error_and_what_is_typed_wrong_is() {
    let home = Home::empty();
    let output = home.ask(&["list"]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), ""));
    assert!(stderr(&output).contains("there is nothing like that on the ledger"));
    assert_eq!(home.answer(&["verify"]), "The ledger is empty.\n");
    assert_eq!(home.json(&["list", "--json"])["acts"], json!([]));
    home.refused(&["list", "--since", "soon"], 2, "a time is written like 90m");
    home.refused(&["verify", "--head", "5f1e"], 2, "a hash is 16 to 64 hexadecimal digits");
    home.refused(&["list", "--open", "--owed"], 2, "cannot be used with");
    home.refused(&["export"], 2, "--format");
    home.refused(&[], 2, "Usage: pilothouse ledger");
    std::fs::remove_dir_all(home.path("")).unwrap();
    std::fs::write(home.path("").parent().unwrap().join("ledger"), "").unwrap();
    home.refused(&["list"], 1, "The ledger cannot be written.");
}
