//! The countdowns that run, on every screen: which release is taken back when, by whom, why, and the keys that stop it.

use super::super::commands;
use super::super::effect::Effect;
use super::super::state::State;
use super::{Shown, Wish};
use crate::domain::duration::clock;
use crate::domain::id::{EnvironmentId, Key};

/// A countdown on the screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Banner {
    /// Where.
    pub environment: EnvironmentId,
    /// The release.
    pub key: Key,
    /// The guard.
    pub guard: Shown,
    /// How many more there are.
    pub more: usize,
}

impl Banner {
    /// `guard of gateway (dana@laptop) takes it back in 0:23: errors 4% over 1% for 10:07`.
    pub fn words(&self) -> String {
        let (name, guard) = (&self.key.name, &self.guard);
        let more = if self.more > 0 { format!(" (and {} more)", self.more) } else { String::new() };
        let left = clock(guard.left.unwrap_or_default());
        format!("the guard of {name} ({}) takes it back in {left}: {}{more}", guard.owner, guard.evidence)
    }
}

impl State {
    /// The countdown that ends first, of all environments.
    pub fn banner(&self) -> Option<Banner> {
        let mut all: Vec<Banner> = Vec::new();
        for environment in &self.environments {
            let mine = self.guards.mine.iter().filter(|mine| mine.environment == environment.id).map(|mine| &mine.seen.key);
            for key in environment.guards.keys().chain(mine) {
                let counts = self.guard(environment, key).filter(|guard| guard.left.is_some());
                let known = all.iter().any(|banner| banner.environment == environment.id && banner.key == *key);
                if let (Some(guard), false) = (counts, known) {
                    all.push(Banner { environment: environment.id, key: key.clone(), guard, more: 0 });
                }
            }
        }
        let more = all.len().saturating_sub(1);
        all.into_iter().min_by_key(|banner| (banner.guard.left, banner.key.clone())).map(|first| Banner { more, ..first })
    }

    /// Whether this terminal can stop the countdown that is shown.
    pub fn can_cancel(&self, banner: &Banner) -> bool {
        self.forbidden(banner.environment).is_none()
    }
}

/// Stops the countdown that is shown. Says whether there was one.
pub(in super::super) fn cancel(state: &mut State) -> Option<Vec<Effect>> {
    let banner = state.banner()?;
    if let Some(why) = state.forbidden(banner.environment) {
        commands::say(state, format!("The countdown cannot be cancelled from here: {why}."));
        return Some(Vec::new());
    }
    let mine = state.guards.of(banner.environment, &banner.key).filter(|_| banner.guard.here);
    let wish = if let Some(mine) = mine {
        Wish::Cancel(mine.number)
    } else {
        let seen = state.environment_named(banner.environment)?.found(&banner.key, state.now)?.seen();
        let reason = "the countdown was cancelled".to_owned();
        Wish::CancelOthers { environment: banner.environment, seen: Box::new(seen), reason }
    };
    commands::say(state, format!("cancelling the guard of {}…", banner.key.name));
    Some(vec![Effect::Guard(Box::new(wish))])
}
