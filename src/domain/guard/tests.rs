//! The machine as a table: what is seen second by second, and what it says and wants.

use jiff::{SignedDuration, Timestamp};

use super::election::Legacy;
use super::machine::Machine;
use super::rules::Rules;
use super::sight::{Place, Sight, Standing};
use super::state::{End, Order, State};
use crate::domain::action::{Outcome, Verb};
use crate::domain::signal::{Comparator, Judgement, Limit, SignalKind, Track, Unit, Verdict};

/// A guard of version `new` that holds after 60 s and takes back after 600 s, or after 300 s of saturation.
struct Play {
    machine: Machine,
    now: Timestamp,
    sight: Sight,
    said: Vec<String>,
    acts: Vec<Verb>,
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn judgement(name: &str, verdict: Verdict, breached: u32) -> Judgement {
    Judgement {
        name: name.into(),
        kind: SignalKind::Errors,
        verdict,
        gate: true,
        track: Track::Canary,
        value: Some(0.018),
        stable: Some(0.002),
        limit: Limit { comparator: Comparator::Less, threshold: 0.01 },
        unit: Unit::Ratio,
        breached,
        sampled: None,
        requests: None,
        resolution: None,
        usable_in: None,
        pods: None,
        why: None,
    }
}

impl Play {
    fn new() -> Self {
        let mut machine = Machine::new(Rules::default(), "new");
        machine.lead(None);
        let release = Standing { uid: "u".into(), hash: "new".into(), place: Place::UnderWay, held: false, off: false };
        let sight = Sight {
            at: at(0),
            release: Some(release),
            stale: None,
            signals: Vec::new(),
            saturated: None,
            silent: None,
            away: false,
        };
        let mut play = Self { machine, now: at(0), sight, said: Vec::new(), acts: Vec::new() };
        play.errors(Verdict::Pass, 0);
        play
    }

    fn release(&mut self) -> &mut Standing {
        self.sight.release.as_mut().unwrap()
    }

    fn errors(&mut self, verdict: Verdict, breached: u32) -> &mut Self {
        self.sight.signals = vec![judgement("errors", verdict, breached)];
        self
    }

    /// It looks, so many seconds later.
    fn after(&mut self, seconds: i64) -> &mut Self {
        self.now += SignedDuration::from_secs(seconds);
        self.sight.at = self.now;
        self.look()
    }

    fn look(&mut self) -> &mut Self {
        let orders = self.machine.see(self.now, &self.sight);
        self.hear(orders)
    }

    fn hear(&mut self, orders: Vec<Order>) -> &mut Self {
        for order in orders {
            match order {
                Order::Act(verb, reason) => {
                    assert!(!reason.is_empty());
                    self.acts.push(verb);
                }
                Order::Say(words) => self.said.push(words.into()),
            }
        }
        self
    }

    fn acted(&mut self, verb: Verb, outcome: &Outcome) -> &mut Self {
        let orders = self.machine.acted(self.now, verb, outcome);
        self.hear(orders)
    }

    /// It holds, and the release shows it.
    fn holds(&mut self) -> &mut Self {
        self.acted(Verb::Hold, &Outcome::Observed("held".into()));
        self.release().held = true;
        self
    }

    #[track_caller]
    fn is(&mut self, word: &str, acts: &[Verb]) -> &mut Self {
        assert_eq!((self.machine.state().word(), &*self.acts), (word, acts), "{:?}", self.said);
        self
    }

    #[track_caller]
    fn said(&mut self, words: &str) -> &mut Self {
        assert!(self.said.last().is_some_and(|last| last.contains(words)), "{:?}", self.said);
        self
    }
}

use Verb::{Hold, RollBack};

#[test]
fn a_breach_is_held_after_a_minute_and_taken_back_after_ten_and_a_countdown() {
    let mut play = Play::new();
    play.after(1).is("watching", &[]);
    play.errors(Verdict::Breach, 59).after(1).is("breached", &[]).said("errors 1.8% over 1% for 0:59 (stable 0.2%); held in 0:01");
    play.errors(Verdict::Breach, 60).after(1).is("acting", &[Hold]);
    play.after(1).is("acting", &[Hold]);
    play.holds().after(1).is("held", &[Hold]);
    play.errors(Verdict::Breach, 599).after(1).is("held", &[Hold]);
    play.errors(Verdict::Breach, 600).after(1).is("countdown", &[Hold]).said("it is taken back in 0:30");
    play.errors(Verdict::Breach, 629).after(29).is("countdown", &[Hold]);
    play.errors(Verdict::Breach, 630).after(1).is("acting", &[Hold, RollBack]);
    play.acted(RollBack, &Outcome::Observed("traffic is back".into())).is("took-back", &[Hold, RollBack]);
    play.after(1).is("took-back", &[Hold, RollBack]);
}

#[test]
fn what_is_well_again_stays_held_until_a_person_resumes_it_and_is_not_held_again() {
    let mut play = Play::new();
    play.errors(Verdict::Breach, 60).after(1).holds().errors(Verdict::Pass, 0).after(1).is("held", &[Hold]);
    play.said("well again; it stays held until somebody resumes it");
    play.release().held = false;
    play.after(1).is("watching", &[Hold]).said("somebody resumed it");
    play.errors(Verdict::Breach, 120).after(1).is("breached", &[Hold]);
    play.errors(Verdict::Breach, 600).after(1).is("countdown", &[Hold]);
}

#[test]
fn a_breach_that_is_over_cancels_the_countdown_and_the_next_one_is_a_whole_one() {
    let mut play = Play::new();
    play.release().held = true;
    play.errors(Verdict::Breach, 600).after(1).is("countdown", &[]);
    play.errors(Verdict::Warn, 0).after(20).said("the countdown is cancelled: well again");
    play.errors(Verdict::Breach, 600).after(1).is("countdown", &[]);
    play.after(29).is("countdown", &[]);
    play.after(1).is("acting", &[RollBack]);
}

#[test]
fn nothing_is_done_without_data_and_a_countdown_begins_anew() {
    let mut play = Play::new();
    play.release().held = true;
    play.errors(Verdict::Breach, 600).after(1).is("countdown", &[]);
    play.errors(Verdict::NoData, 0).after(1).is("blind", &[]).said("the countdown stops");
    play.after(100).is("blind", &[]);
    play.errors(Verdict::Breach, 600).after(1).is("countdown", &[]);
    play.after(29).is("countdown", &[]).after(1).is("acting", &[RollBack]);

    for blind in [
        |play: &mut Play| play.sight.signals.clear(),
        |play: &mut Play| play.sight.silent = Some("the metrics server is down: connection refused".into()),
        |play: &mut Play| play.sight.stale = Some("the cluster has been silent for 0:20".into()),
        // Another signal that is well does not speak for the one that is lost.
        |play: &mut Play| {
            play.sight.signals = vec![judgement("errors", Verdict::NoData, 0), judgement("p95", Verdict::Pass, 0)];
        },
    ] {
        let mut play = Play::new();
        play.release().held = true;
        play.errors(Verdict::Breach, 600).after(1).is("countdown", &[]);
        blind(&mut play);
        play.after(40).is("blind", &[]);
    }
    let mut silent = Play::new();
    silent.errors(Verdict::Breach, 900).after(1);
    silent.acted(Hold, &Outcome::Refused("somebody was faster".into()));
    silent.now += SignedDuration::from_secs(100);
    silent.look().is("blind", &[Hold]);
}

#[test]
fn what_was_measured_before_the_server_went_away_is_not_acted_on() {
    let mut play = Play::new();
    play.sight.away = true;
    play.errors(Verdict::Breach, 900).after(1).is("watching", &[]);
    play.sight.away = false;
    play.release().held = true;
    play.after(1).is("countdown", &[]);
    play.sight.away = true;
    play.after(29).is("countdown", &[]).after(10).is("countdown", &[]);
    play.sight.away = false;
    play.after(1).is("acting", &[RollBack]);
}

#[test]
fn too_little_to_judge_is_neither_a_breach_nor_well() {
    let mut play = Play::new();
    play.release().held = true;
    play.errors(Verdict::Breach, 600).after(1).is("countdown", &[]);
    play.errors(Verdict::LowTraffic, 0).after(60).is("held", &[]).said("errors cannot be judged now: low traffic");
    let mut play = Play::new();
    play.errors(Verdict::TooEarly, 0).after(900).is("watching", &[]);
    play.sight.signals[0].gate = false;
    play.errors(Verdict::Pass, 0).after(1);
    play.sight.signals =
        vec![judgement("p95", Verdict::Pass, 0), Judgement { gate: false, ..judgement("rate", Verdict::Breach, 900) }];
    play.after(1).is("watching", &[]);
}

#[test]
fn saturation_counts_only_above_stable() {
    let mut play = Play::new();
    // By its own limit it has been over for long, and stable is as full.
    play.sight.signals = vec![judgement("errors", Verdict::Pass, 0), judgement("saturation", Verdict::Breach, 900)];
    play.sight.saturated = Some(0);
    play.after(1).is("watching", &[]);
    play.sight.saturated = Some(60);
    play.after(1).is("acting", &[Hold]).holds();
    play.sight.saturated = Some(299);
    play.after(1).is("held", &[Hold]);
    play.sight.saturated = Some(300);
    play.after(1).is("countdown", &[Hold]).said("saturation 1.8% over 80% and stable's 0.2% for 5:00");
    play.sight.saturated = None;
    play.after(1).is("blind", &[Hold]);
}

#[test]
fn it_ends_with_its_version() {
    type Change = fn(&mut Play);
    let ends: [(Change, &str); 6] = [
        (|play| play.release().place = Place::Stable, "stable"),
        (|play| play.release().place = Place::Back, "back"),
        (|play| play.release().hash = "newer".into(), "other-version"),
        (|play| play.sight.release = None, "gone"),
        (|play| play.release().off = true, "cancelled"),
        (|play| (play.release().place, play.release().hash) = (Place::Stable, "old".into()), "back"),
    ];
    for (change, word) in ends {
        for held in [false, true] {
            let mut play = Play::new();
            play.release().held = held;
            play.errors(Verdict::Breach, if held { 600 } else { 0 }).after(1);
            let acts = play.acts.clone();
            assert!(acts.is_empty());
            change(&mut play);
            play.after(60).is(word, &[]).after(600).is(word, &[]);
        }
    }
    let mut play = Play::new();
    play.release().place = Place::Stable;
    play.errors(Verdict::NoData, 0).after(1);
    assert_eq!(*play.machine.state(), State::Ended(End::Stable { blind: true }));
    // A newest change that no controller has seen says nothing yet.
    let mut play = Play::new();
    (play.release().place, play.release().hash) = (Place::Unknown, "old".into());
    play.errors(Verdict::Breach, 900).after(1).is("watching", &[]);
}

#[test]
fn whoever_stands_by_acts_on_nothing_and_takes_over_with_what_lasted() {
    let mut play = Play::new();
    let orders = play.machine.follow("dana@laptop");
    play.hear(orders).errors(Verdict::Breach, 900).after(60).is("standby", &[]);
    let orders = play.machine.lead(Some(Legacy { held: true, until: None }));
    play.hear(orders).after(1).is("countdown", &[]);
    let orders = play.machine.follow("kim@desk");
    play.hear(orders).after(60).is("standby", &[]);
}

#[test]
fn a_cancel_holds_up_everything_but_what_is_being_done() {
    let mut play = Play::new();
    play.release().held = true;
    play.errors(Verdict::Breach, 600).after(1).is("countdown", &[]);
    let orders = play.machine.cancel("kim@desk");
    play.hear(orders).after(60).is("cancelled", &[]).said("cancelled: kim@desk");

    let mut play = Play::new();
    play.errors(Verdict::Breach, 60).after(1).is("acting", &[Hold]);
    let orders = play.machine.disarm();
    play.hear(orders).is("acting", &[Hold]).holds().is("disarmed", &[Hold]);
}

#[test]
fn what_failed_is_tried_again_after_another_countdown() {
    let mut play = Play::new();
    play.release().held = true;
    play.errors(Verdict::Breach, 600).after(1).after(30).is("acting", &[RollBack]);
    play.acted(RollBack, &Outcome::NotSent("'prod' was not reached.".into())).is("breached", &[RollBack]);
    play.said("could not roll back: 'prod' was not reached. It tries again in 30 s.");
    play.after(29).is("held", &[RollBack]).after(1).is("countdown", &[RollBack]);
    play.after(30).is("acting", &[RollBack, RollBack]);
}

#[test]
fn what_lasts_long_enough_already_is_held_before_it_counts_down() {
    let mut play = Play::new();
    play.errors(Verdict::Breach, 900).after(1).is("acting", &[Hold]);
    play.holds().after(1).is("countdown", &[Hold]).said("it is taken back in 0:30");
    play.after(30).is("acting", &[Hold, RollBack]);
    // By saturation as well, whose time is another one.
    let mut play = Play::new();
    play.sight.saturated = Some(300);
    play.after(1).is("acting", &[Hold]).holds().after(1).is("countdown", &[Hold]);
    // Whoever resumed it is not overruled, and the way back does not wait for a hold.
    let mut play = Play::new();
    play.machine = Machine::new(Rules::default(), "new");
    let orders = play.machine.lead(Some(Legacy { held: true, until: None }));
    play.hear(orders).errors(Verdict::Breach, 900).after(1).is("countdown", &[]);
    // Nor does it wait where it cannot be held.
    let mut play = Play::new();
    play.errors(Verdict::Breach, 900).after(1).is("acting", &[Hold]);
    play.acted(Hold, &Outcome::Refused("it may not.".into())).said("could not hold: it may not.");
    play.after(1).is("countdown", &[Hold]).after(30).is("acting", &[Hold, RollBack]);
}

/// A guard that stood by takes over from one that would have taken it back in so many seconds.
fn heir(left: i64) -> Play {
    let mut play = Play::new();
    let orders = play.machine.follow("dana@laptop");
    play.release().held = true;
    play.hear(orders).errors(Verdict::Breach, 700).after(1).is("standby", &[]);
    let orders = play.machine.lead(Some(Legacy { held: true, until: Some(at(1 + left)) }));
    play.hear(orders);
    play
}

#[test]
fn a_countdown_goes_on_with_the_guard_that_takes_over() {
    // Seconds that were left, and those that it counts from then on: to the end that everybody sees; a moment where that has just passed; the
    // whole where nobody minds it any more, or it is longer than this guard's own.
    for (left, counts) in [(12, 12), (29, 29), (300, 30), (0, 10), (-20, 10), (-59, 10), (-61, 30), (-3_600, 30)] {
        let mut play = heir(left);
        play.after(0).is("countdown", &[]).said(&format!("it is taken back in 0:{counts:02}"));
        play.after(counts - 1).is("countdown", &[]).after(1).is("acting", &[RollBack]);
    }
    // It goes on with the evidence only.
    let mut well = heir(12);
    well.errors(Verdict::Pass, 0).after(0).errors(Verdict::Breach, 700).after(1).is("countdown", &[]).said("in 0:30");
    let mut blind = heir(12);
    blind.sight.silent = Some("no metrics server is configured".into());
    blind.after(0).is("blind", &[]);
    blind.sight.silent = None;
    blind.after(1).is("countdown", &[]).said("in 0:30");
}

#[test]
fn a_guard_that_lost_its_lease_for_a_moment_goes_on_with_its_own_countdown() {
    let mut play = Play::new();
    play.release().held = true;
    play.errors(Verdict::Breach, 600).after(1).is("countdown", &[]);
    let orders = play.machine.follow("nobody for certain");
    play.hear(orders).after(10).is("standby", &[]);
    let orders = play.machine.lead(None);
    play.hear(orders).after(1).is("countdown", &[]).said("in 0:19");
    // Unless it was well meanwhile.
    let orders = play.machine.follow("nobody for certain");
    play.hear(orders).errors(Verdict::Pass, 0).after(1).errors(Verdict::Breach, 600).after(1);
    let orders = play.machine.lead(None);
    play.hear(orders).after(1).is("countdown", &[]).said("in 0:30");
}

#[test]
fn a_countdown_that_nobody_saw_to_its_end_begins_anew() {
    for sleep in [45 + 1, 600, -3_600] {
        let mut play = Play::new();
        play.release().held = true;
        play.errors(Verdict::Breach, 600).after(1).is("countdown", &[]);
        // The first look after that has fresh evidence already.
        play.after(sleep).is("countdown", &[]).said("in 0:30");
        play.after(29).is("countdown", &[]).after(1).is("acting", &[RollBack]);
    }
}

#[test]
fn a_way_back_whose_answer_was_lost_is_tried_again_and_not_said_to_be_done() {
    let lost = Outcome::Undetermined("The answer was lost.".into());
    let mut play = Play::new();
    play.release().held = true;
    play.errors(Verdict::Breach, 600).after(1).after(30).acted(RollBack, &lost).is("breached", &[RollBack]);
    play.said("nobody knows whether it could roll back: The answer was lost.");
    play.after(30).after(30).is("acting", &[RollBack, RollBack]);
    play.acted(RollBack, &lost);
    play.release().place = Place::Back;
    play.after(1).is("took-back", &[RollBack, RollBack]);
}
