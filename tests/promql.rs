//! The embedded world's PromQL against a real Prometheus with the same samples: the same series, the same numbers, the same
//! refusals. Skipped, loudly, where there is no Prometheus; with `CI_REQUIRE_REAL=1` that is a failure.

mod compare;
mod queries;
mod samples;

use pilothouse::demo::promql::{self, Answer, Steps};

use crate::support::prometheus::{Prometheus, binaries};
use compare::Said;
use queries::Generator;
use samples::{END, START};

/// How many queries are made up.
const COUNT: usize = 600;

/// Both sides, and what they disagreed about.
struct Both {
    real: Prometheus,
    ours: Vec<promql::series::Kept>,
    wrong: Vec<String>,
    answered: usize,
}

impl Both {
    fn open() -> Option<Self> {
        let binaries = binaries()?;
        let ours = samples::series();
        let real = Prometheus::with_samples(&binaries, &samples::open_metrics(&ours));
        Some(Self { real, ours, wrong: Vec::new(), answered: 0 })
    }

    fn note(&mut self, query: &str, when: &str, ours: &Result<Answer, promql::Error>, real: &Said) {
        let ours = compare::ours(ours);
        match compare::difference(&ours, real) {
            Some(difference) => self.wrong.push(format!("{query}  {when}\n    {difference}")),
            None if ours.has_numbers() => self.answered += 1,
            None => {}
        }
    }

    fn instant(&mut self, query: &str, at: i64) {
        let ours = promql::parse(query).and_then(|parsed| promql::instant(self.ours.as_slice(), &parsed, at));
        let time = compare::time(at);
        let real = compare::real(&self.real.json("/api/v1/query", &[("query", query), ("time", &time)]));
        self.note(query, &time, &ours, &real);
    }

    fn range(&mut self, query: &str, steps: Steps) {
        let ours = promql::parse(query).and_then(|parsed| promql::range(self.ours.as_slice(), &parsed, steps));
        let [start, end, step] = [steps.start, steps.end, steps.step].map(compare::time);
        let parameters = [("query", query), ("start", &*start), ("end", &*end), ("step", &*step)];
        let real = compare::real(&self.real.json("/api/v1/query_range", &parameters));
        self.note(query, &format!("{start}..{end} step {step}"), &ours, &real);
    }

    fn done(self, least: usize) {
        let count = self.wrong.len();
        assert!(count == 0, "{count} differ:\n{}", self.wrong.into_iter().take(25).collect::<Vec<_>>().join("\n"));
        assert!(self.answered >= least, "only {} queries had numbers to compare", self.answered);
    }
}

#[test]
fn every_construct_answers_as_the_real_one() {
    let Some(mut both) = Both::open() else { return };
    for query in queries::WRITTEN {
        both.instant(query, START + 5_400_000);
        both.instant(query, START + 3_605_123);
        both.range(query, Steps { start: START + 3_600_000, end: START + 4_500_000, step: 60_000 });
    }
    both.done(queries::WRITTEN.len() * 2);
}

#[test]
fn made_up_queries_answer_as_the_real_one() {
    let Some(mut both) = Both::open() else { return };
    let mut generator = Generator::new(5);
    for number in 0..COUNT {
        let query = generator.query();
        if number % 3 == 0 {
            both.range(&query, generator.steps());
        } else {
            both.instant(&query, generator.time(START, END));
        }
    }
    both.done(COUNT * 6 / 10);
}

#[test]
fn presets_answer_as_the_real_one() {
    let Some(mut both) = Both::open() else { return };
    for query in queries::presets() {
        both.instant(&query, START + 5_400_000);
        both.range(&query, Steps { start: START + 3_600_000, end: START + 5_400_000, step: 15_000 });
    }
    both.done(queries::presets().len());
}

#[test]
fn what_makes_no_sense_is_refused_alike() {
    let Some(mut both) = Both::open() else { return };
    for query in queries::REFUSED {
        both.instant(query, START + 3_600_000);
    }
    let steps = Steps { start: START, end: START + 11_001_000, step: 1_000 };
    both.range("up", steps);
    both.range("up", Steps { end: START + 11_000_000, ..steps });
    both.range("up", Steps { end: START - 1, ..steps });
    both.range("up[5m]", Steps { end: START, ..steps });
    both.done(0);
}

#[test]
fn what_is_not_supported_is_refused_by_its_name() {
    for (query, name) in queries::UNSUPPORTED {
        let parsed = promql::parse(query).unwrap();
        let none: &[promql::series::Kept] = &[];
        match promql::instant(none, &parsed, START) {
            Err(promql::Error::Execution(text)) => assert!(text.contains(name), "{query}: {text}"),
            other => panic!("{query}: {other:?}"),
        }
    }
}
