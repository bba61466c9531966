//! Hands what the core wishes to the running parts, and brings their answers back as messages. Waits for nothing.

use std::sync::Arc;

use super::Waker;
use crate::action::{self, Asked, Opener};
use crate::app::guard::Wish;
use crate::app::{Effect, Msg};
use crate::domain::action::Authority;
use crate::guard::{Armed, Told, Watch};
use crate::source::{Order, Subject};
use crate::wire::Running;

/// Seconds for which the effect of each step of a guard's act is waited for.
const PATIENCE: u32 = 600;

/// Hands a wish on; gives back one that is the terminal's.
pub(super) fn hand(running: Option<&Running>, waker: &Waker, effect: Effect) -> Option<Effect> {
    let Some(running) = running else {
        return is_the_terminals(&effect).then_some(effect);
    };
    let waker = waker.clone();
    match effect {
        Effect::Look { environment, subjects } => {
            let subjects = subjects.into_iter();
            let subjects = subjects.map(|one| Subject { key: one.key, uid: one.uid, selector: one.selector }).collect();
            running.order(Order::Look { environment, subjects });
        }
        Effect::Measure { environment, targets } => running.order(Order::Measure { environment, targets }),
        Effect::Chart(chart) => {
            let number = chart.number;
            let answer = move |measured| waker.tell(Msg::Charted { number, measured: Box::new(measured) });
            running.chart(*chart, answer);
        }
        Effect::Reconnect(environment) => running.order(Order::Reconnect(environment)),
        Effect::Act(act) => running.runner().act(*act, Arc::new(move |report| waker.tell(Msg::Acted(report)))),
        Effect::Guard(wish) => guard(running, waker, *wish),
        Effect::Review(review) => {
            let number = review.number;
            let asked = Asked { environment: review.environment, key: review.key, uid: review.uid, accesses: review.accesses };
            let answer = move |reviewed| waker.tell(Msg::Reviewed { number, reviewed: Box::new(reviewed) });
            running.runner().review(asked, answer);
        }
        Effect::Inspect { number, environment, key, uid } => {
            let answer = move |contents| waker.tell(Msg::Inspected { number, contents: Box::new(contents) });
            running.runner().inspect(environment, (key, uid), answer);
        }
        Effect::ReadLedger => running.runner().read_ledger(move |view| waker.tell(Msg::Ledger(Box::new(view)))),
        Effect::SettleTicket { act, ticket } => {
            let said = ticket.clone();
            running.runner().settle_ticket(act, ticket, move |done| waker.tell(Msg::Settled { ticket: said, done }));
        }
        Effect::Trust(environment) => running.runner().trust(environment, move |done| waker.tell(Msg::Trusted(done))),
        Effect::Open(page) => {
            let opened = page.clone();
            action::open(&Opener::here(), &page, move |done| waker.tell(Msg::Opened { page: opened, done }));
        }
        effect => return Some(effect),
    }
    None
}

/// Arms guards, shows them what is seen, and ends them.
fn guard(running: &Running, waker: Waker, wish: Wish) {
    match wish {
        Wish::Arm { number, environment, seen, reason, over_cancel } => {
            let armed = Armed {
                environment,
                seen: *seen,
                rules: running.rules().clone(),
                reason,
                authority: Authority::Dialog,
                over_cancel,
                dry_run: false,
                unrecorded: false,
                patience: PATIENCE,
            };
            let told = waker.clone();
            if let Err(why) = running.arm(number, armed, move |told_now| told.tell(Msg::Guard { number, told: told_now })) {
                waker.tell(Msg::Guard { number, told: Told::Failed(why) });
            }
        }
        Wish::Show(number, sight) => running.with_guard(number, |watch| watch.show(*sight)),
        Wish::Disarm(number) => running.with_guard(number, Watch::disarm),
        Wish::Cancel(number) => running.with_guard(number, Watch::cancel),
        Wish::CancelOthers { environment, seen, reason } => {
            running.cancel_guards(environment, *seen, reason, move |done| waker.tell(Msg::GuardCancelled(done)));
        }
    }
}

fn is_the_terminals(effect: &Effect) -> bool {
    use Effect::{Bell, Copy, Quit, Redraw, Suspend, Theme};
    matches!(effect, Quit | Suspend | Copy(_) | Theme(_) | Redraw | Bell)
}
