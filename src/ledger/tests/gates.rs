//! What the gates said stands beside the act that was decided on it; what was written before they were there is as whole as ever.

use super::*;
use crate::domain::ledger::LedgerGate;

fn breached() -> Gate {
    Gate {
        name: "errors".into(),
        verdict: "breach".into(),
        value: serde_json::Number::from_f64(0.018),
        limit: serde_json::Number::from_f64(0.01),
        comparator: "<".into(),
        unit: "ratio".into(),
        breached_seconds: 192,
        requests: Some(2130),
        words: "errors 1.8% > 1% for 3:12 (canary, 2,130 requests)".into(),
    }
}

#[test]
fn what_was_overridden_is_recorded_with_the_values() {
    let trial = Trial::start();
    let before = trial.add("2026-11-22", Body::Intent(intent("gateway").into()));
    let overridden = Intent { gates: vec![breached()], overridden: vec!["errors".into()], ..intent("gateway") };
    let after = trial.add("2026-11-23", Body::Intent(overridden.clone().into()));
    let bytes = String::from_utf8(trial.bytes("2026-11.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = bytes.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines[0].get("gates"), lines[0].get("overridden")), (None, None), "a line as it always was");
    let expected = serde_json::json!([{"name": "errors", "verdict": "breach", "value": 0.018, "limit": 0.01, "comparator": "<",
        "unit": "ratio", "breached_seconds": 192, "requests": 2130, "words": "errors 1.8% > 1% for 3:12 (canary, 2,130 requests)"}]);
    assert_eq!((&lines[1]["gates"], &lines[1]["overridden"]), (&expected, &serde_json::json!(["errors"])));
    trial.assert_clean();
    assert_eq!(trial.ledger.read(None).unwrap(), [before, after]);
    let view = trial.ledger.view();
    let words = "errors 1.8% > 1% for 3:12 (canary, 2,130 requests)".into();
    assert_eq!(view.acts[0].gates, [LedgerGate { passed: false, words }]);
    assert_eq!((view.acts[0].overrides().as_deref(), view.acts[1].overrides()), (Some("errors"), None));
    assert!(view.acts[0].markdown().contains("- overridden: errors\n"), "{}", view.acts[0].markdown());
}
