//! A guard: what watches one release while it is on its way, holds it when a signal stays over its limit, and after a countdown that
//! anybody can cancel takes it back. Pure: it is told what is seen and what time it is, and gives orders; it asks nobody and sends nothing.

mod election;
mod finding;
mod lease;
mod machine;
mod rules;
mod saturation;
mod sight;
mod state;
mod told;

#[cfg(test)]
mod tests;

pub use election::{Election, Legacy, Turn};
pub use finding::{Finding, findings};
pub use lease::{CANCELLED, Claim, GUARD, Guarding, OFF, Posted, lease_body, lease_name, lease_path, leases_path};
pub use machine::Machine;
pub use rules::Rules;
pub use saturation::saturated;
pub use sight::{Place, Sight, Standing};
pub use state::{ACTING, End, Order, State};
pub use told::{Status, Told};
