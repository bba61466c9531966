//! What measurements, metrics and runs come to: pure arithmetic on counters and phases. Facts: Argo Rollouts, section 4.

use serde_json::Value;

use super::expression;

/// Counters of one metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub count: i64,
    pub successful: i64,
    pub failed: i64,
    pub inconclusive: i64,
    pub error: i64,
    pub consecutive_error: i64,
    pub consecutive_success: i64,
}

/// The limits of one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many measurements there are to be; none for no end.
    pub count: Option<i64>,
    pub failure: i64,
    pub inconclusive: i64,
    pub consecutive_error: i64,
    pub consecutive_success: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { count: Some(1), failure: 0, inconclusive: 0, consecutive_error: 4, consecutive_success: 0 }
    }
}

impl Counters {
    /// Counts one more measurement.
    pub fn add(&mut self, phase: &str) {
        match phase {
            "Successful" => {
                self.successful += 1;
                self.consecutive_success += 1;
            }
            "Failed" => self.failed += 1,
            "Inconclusive" => self.inconclusive += 1,
            _ => {
                self.error += 1;
                self.consecutive_error += 1;
                self.consecutive_success = 0;
                return;
            }
        }
        self.count += 1;
        self.consecutive_error = 0;
        if phase != "Successful" {
            self.consecutive_success = 0;
        }
    }
}

/// Phase and message of a value under its conditions.
pub fn measurement(value: &Value, success: Option<&str>, failure: Option<&str>) -> (&'static str, String) {
    let judge = |condition: &str, kind: &str| {
        expression::holds(condition, value).map_err(|why| {
            let nothing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            let why =
                if nothing { "metric result is nil or empty: no data returned from the metric provider".to_owned() } else { why };
            format!("could not evaluate {kind} \"{condition}\": {why}")
        })
    };
    let success = success.map(|condition| judge(condition, "successCondition")).transpose();
    let failure = failure.map(|condition| judge(condition, "failureCondition")).transpose();
    let phase = match (success, failure) {
        (Err(why), _) | (_, Err(why)) => return ("Error", why),
        (Ok(None | Some(true)), Ok(None | Some(false))) => "Successful",
        (_, Ok(Some(true))) | (Ok(Some(false)), Ok(None)) => "Failed",
        (Ok(Some(false)), Ok(Some(false))) => "Inconclusive",
    };
    (phase, String::new())
}

/// Phase and message of a metric.
pub fn metric(counters: Counters, limits: Limits, terminating: bool) -> (&'static str, String) {
    let mut outcome: Option<(&'static str, String)> = None;
    if limits.failure >= 0 && counters.failed > limits.failure {
        outcome = Some(("Failed", format!("failed ({}) > failureLimit ({})", counters.failed, limits.failure)));
    }
    if counters.inconclusive > limits.inconclusive {
        let message = format!("inconclusive ({}) > inconclusiveLimit ({})", counters.inconclusive, limits.inconclusive);
        outcome = Some(("Inconclusive", message));
    }
    if counters.consecutive_error > limits.consecutive_error {
        let message =
            format!("consecutiveErrors ({}) > consecutiveErrorLimit ({})", counters.consecutive_error, limits.consecutive_error);
        outcome = Some(("Error", message));
    }
    if let Some(outcome) = outcome {
        return outcome;
    }
    if limits.consecutive_success > 0 && counters.consecutive_success >= limits.consecutive_success {
        return ("Successful", String::new());
    }
    if limits.count.is_some_and(|count| counters.count >= count) {
        let phase = match (limits.consecutive_success > 0, limits.failure >= 0) {
            (true, true) => "Inconclusive",
            (true, false) => "Failed",
            (false, _) => "Successful",
        };
        return (phase, String::new());
    }
    (if terminating { "Successful" } else { "Running" }, String::new())
}

/// How bad a phase is.
fn severity(phase: &str) -> u8 {
    ["Successful", "Running", "Pending", "Inconclusive", "Error", "Failed"]
        .iter()
        .position(|p| *p == phase)
        .map_or(1, |place| u8::try_from(place).unwrap_or(u8::MAX))
}

/// What one metric contributes to its run.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub name: String,
    pub phase: String,
    pub message: String,
    /// What the provider said to the last error or failure.
    pub provider: String,
    pub dry: bool,
}

/// Phase and message of a run.
pub fn run(verdicts: &[Verdict]) -> (String, String) {
    let real = || verdicts.iter().filter(|verdict| !verdict.dry);
    let bad = |verdict: &&Verdict| matches!(verdict.phase.as_str(), "Failed" | "Error" | "Inconclusive");
    let open = |phase: &str| matches!(phase, "" | "Pending" | "Running");
    let ended_early = real().any(|verdict| bad(&verdict));
    if !ended_early && verdicts.iter().any(|verdict| open(&verdict.phase)) {
        return ("Running".to_owned(), String::new());
    }
    let worst = real().filter(|verdict| !open(&verdict.phase)).map(|verdict| verdict.phase.as_str());
    // Of equals the first one counts: its message is shown.
    let worst = worst.reduce(|worst, next| if severity(next) > severity(worst) { next } else { worst }).unwrap_or("Successful");
    let first = real().find(|verdict| verdict.phase == worst && bad(verdict) && !verdict.message.is_empty());
    let message = first.map(|verdict| {
        let said = if verdict.provider.is_empty() { String::new() } else { format!(": \"Error Message: {}\"", verdict.provider) };
        format!("Metric \"{}\" assessed {worst} due to {}{said}", verdict.name, verdict.message)
    });
    (worst.to_owned(), message.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(name: &str, phase: &str, counters: Counters) -> Verdict {
        let message = metric(counters, Limits { count: None, ..Limits::default() }, false).1;
        Verdict { name: name.to_owned(), phase: phase.to_owned(), message, provider: String::new(), dry: false }
    }

    #[test]
    fn metrics_end_as_the_vectors_say() {
        let endless = Limits { count: None, ..Limits::default() };
        let both = |counters: Counters, limits: Limits| (metric(counters, limits, false).0, metric(counters, limits, true).0);
        let failed = Counters { failed: 3, ..Counters::default() };
        let unsure = Counters { inconclusive: 3, ..Counters::default() };
        let errors = |n| Counters { consecutive_error: n, ..Counters::default() };
        assert_eq!(both(failed, Limits { failure: 2, ..endless }), ("Failed", "Failed"));
        assert_eq!(both(failed, Limits { failure: 3, ..endless }), ("Running", "Successful"));
        assert_eq!(both(unsure, Limits { inconclusive: 2, ..endless }), ("Inconclusive", "Inconclusive"));
        assert_eq!(both(unsure, Limits { inconclusive: 3, ..endless }), ("Running", "Successful"));
        assert_eq!(both(errors(5), endless), ("Error", "Error"));
        assert_eq!(both(errors(4), endless), ("Running", "Successful"));
        let ten = Limits { count: Some(10), ..Limits::default() };
        assert_eq!(both(Counters { count: 10, successful: 10, ..Counters::default() }, ten).0, "Successful");
        assert_eq!(both(Counters { count: 10, successful: 5, inconclusive: 5, ..Counters::default() }, ten).0, "Inconclusive");
        assert_eq!(
            metric(Counters { failed: 1, ..Counters::default() }, Limits::default(), false).1,
            "failed (1) > failureLimit (0)"
        );
        assert_eq!(metric(errors(5), Limits::default(), false).1, "consecutiveErrors (5) > consecutiveErrorLimit (4)");
    }

    #[test]
    fn runs_end_as_the_vectors_say() {
        let failed = Counters { failed: 1, ..Counters::default() };
        let good = verdict("good", "Successful", Counters::default());
        assert_eq!(run(&[good.clone(), verdict("b", "Running", Counters::default())]), ("Running".to_owned(), String::new()));
        assert_eq!(run(&[good.clone(), verdict("b", "Failed", Counters::default())]), ("Failed".to_owned(), String::new()));
        let mut bad = verdict("failed-metric", "Failed", failed);
        bad.provider = "Provider Error".to_owned();
        let said =
            "Metric \"failed-metric\" assessed Failed due to failed (1) > failureLimit (0): \"Error Message: Provider Error\"";
        assert_eq!(run(&[good.clone(), bad.clone()]), ("Failed".to_owned(), said.to_owned()));
        let dry = |verdict: &Verdict| Verdict { dry: true, ..verdict.clone() };
        assert_eq!(run(&[dry(&good), dry(&bad)]), ("Successful".to_owned(), String::new()));
        let unsure = verdict("run-forever", "Inconclusive", Counters { inconclusive: 1, ..Counters::default() });
        let said = "Metric \"run-forever\" assessed Inconclusive due to inconclusive (1) > inconclusiveLimit (0)";
        assert_eq!(run(&[unsure, dry(&bad)]), ("Inconclusive".to_owned(), said.to_owned()));
        let two = run(&[verdict("first", "Failed", failed), verdict("second", "Failed", failed)]);
        assert!(two.1.starts_with("Metric \"first\""), "{}", two.1);
    }

    #[test]
    fn measurements_are_judged_by_both_conditions() {
        let judge = |value: f64| measurement(&json!(value), Some("result < 0.05"), Some("result > 0.5")).0;
        assert_eq!((judge(0.01), judge(0.2), judge(0.9)), ("Successful", "Inconclusive", "Failed"));
        let none = measurement(&json!([]), Some("result[0] > 1"), None);
        assert_eq!(none.0, "Error");
        assert!(none.1.ends_with("no data returned from the metric provider"), "{}", none.1);
        assert_eq!(measurement(&json!(1), None, None).0, "Successful");
        assert_eq!(measurement(&json!(1), None, Some("result > 0")).0, "Failed");
    }
}
