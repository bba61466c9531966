//! The machine under any sights in any order: it acts only as its rules say, and only on what it sees.

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};
use pilothouse::domain::action::{Outcome, Verb};
use pilothouse::domain::guard::{Legacy, Machine, Order, Place, Rules, Sight, Standing, State};
use pilothouse::domain::signal::Verdict;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::post::sight;

#[derive(Clone, Debug)]
enum Step {
    See {
        after: i64,
        verdict: Verdict,
        breached: u32,
        place: Place,
        held: bool,
        off: bool,
        stale: bool,
        other: bool,
        silent: i64,
    },
    /// What a guard before it left: that it held, and in how many seconds it would have acted.
    Lead(bool, Option<i64>),
    Follow,
    Cancel,
    Acted(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let verdict = prop::sample::select(vec![
        Verdict::Pass,
        Verdict::Warn,
        Verdict::TooEarly,
        Verdict::LowTraffic,
        Verdict::NoData,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
        Verdict::Breach,
    ]);
    let place = prop::sample::select(vec![
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::UnderWay,
        Place::Unknown,
        Place::Back,
        Place::Stable,
    ]);
    let see = (
        0_i64..40,
        verdict,
        prop::sample::select(vec![0_u32, 59, 60, 599, 600, 900, 900, 900, 900]),
        place,
        any::<bool>(),
        (0_u8..40, 0_u8..20, 0_u8..40, 0_i64..20),
    );
    prop_oneof![
        30 => see.prop_map(|(after, verdict, breached, place, held, (off, stale, other, silent))| Step::See {
            after, verdict, breached, place, held, off: off == 0, stale: stale == 0, other: other == 0, silent,
        }),
        2 => (any::<bool>(), prop::option::of(-200_i64..200)).prop_map(|(held, until)| Step::Lead(held, until)),
        1 => Just(Step::Follow),
        1 => (0_u8..4).prop_map(|which| if which == 0 { Step::Cancel } else { Step::Lead(false, None) }),
        3 => any::<bool>().prop_map(Step::Acted),
    ]
}

fn seen(now: Timestamp, step: &Step) -> Option<Sight> {
    let Step::See { verdict, breached, place, held, off, stale, other, silent, .. } = step else { return None };
    let breached = if *verdict == Verdict::Breach { *breached } else { 0 };
    let release = Standing {
        uid: "u".into(),
        hash: if *other { "other".into() } else { "new".into() },
        place: *place,
        held: *held,
        off: *off,
    };
    let stale = stale.then(|| "silent".into());
    Some(Sight {
        at: now - SignedDuration::from_secs(*silent),
        release: Some(release),
        stale,
        ..sight(&json!({}), *verdict, breached)
    })
}

#[test]
fn it_acts_on_fresh_evidence_at_the_end_of_its_countdown_only() {
    let (took, held) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(ProptestConfig::with_cases(2_000));
    let checked = runner.run(&prop::collection::vec(step(), 1..60), |steps| {
        let mut machine = Machine::new(Rules::default(), "new");
        let mut now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000);
        let (mut leads, mut doing) = (false, None);
        for step in &steps {
            let before = machine.state().clone();
            let orders = match step {
                Step::See { after, .. } => {
                    now += SignedDuration::from_secs(*after);
                    machine.see(now, &seen(now, step).unwrap())
                }
                Step::Lead(held, until) => {
                    leads = true;
                    let until = until.map(|until| now + SignedDuration::from_secs(until));
                    machine.lead(Some(Legacy { held: *held, until }))
                }
                Step::Follow => {
                    let orders = machine.follow("kim@desk");
                    leads &= matches!(machine.state(), State::Acting(_));
                    orders
                }
                Step::Cancel => machine.cancel("kim@desk"),
                Step::Acted(well) => match doing.take() {
                    Some(verb) => {
                        let outcome =
                            if *well { Outcome::Observed("done".into()) } else { Outcome::NotSent("not reached.".into()) };
                        machine.acted(now, verb, &outcome)
                    }
                    None => Vec::new(),
                },
            };
            if matches!(before, State::Ended(_)) {
                prop_assert_eq!(machine.state(), &before);
            }
            for order in orders {
                let Order::Act(verb, reason) = order else { continue };
                let Step::See { verdict, breached, place, off, stale, other, silent, .. } = step else {
                    return Err(TestCaseError::fail("it acts without looking"));
                };
                prop_assert!(leads && !reason.is_empty() && doing.is_none());
                prop_assert!(!off && !stale && !other && *silent <= 15 && *place == Place::UnderWay);
                prop_assert_eq!(*verdict, Verdict::Breach);
                match verb {
                    Verb::Hold => {
                        prop_assert!(*breached >= 60);
                        held.set(held.get() + 1);
                    }
                    Verb::RollBack => {
                        prop_assert!(*breached >= 600);
                        let over = matches!(before, State::Countdown { until } if until <= now && now.duration_since(until).as_secs() <= 15);
                        prop_assert!(over, "at {now} from {before:?}");
                        took.set(took.get() + 1);
                    }
                    other => return Err(TestCaseError::fail(format!("a guard would {other}"))),
                }
                doing = Some(verb);
            }
        }
        Ok(())
    });
    checked.unwrap();
    assert!(took.get() > 50 && held.get() > 50, "{took:?} {held:?}: too few of them act at all");
}
