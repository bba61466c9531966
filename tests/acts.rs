//! Verbs carried out for real: the program itself, as scripts start it, on the embedded world and on a real API server.

pub mod actor;
mod back;
mod faults;
mod fences;
pub mod flagger;
mod gates;
mod identity;
mod killed;
mod measured;
mod permit;
mod races;
mod real;
mod record;
pub mod stage;
pub mod states;
mod told;
mod verbs;
