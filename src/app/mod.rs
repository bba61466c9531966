//! The pure core: `update(state, message) -> effects`. No I/O, no clock, no randomness.

pub mod act;
pub mod cluster;
mod commands;
pub mod contents;
pub mod detail;
pub mod edit;
pub mod effect;
pub mod environment;
mod focus;
pub mod freshness;
pub mod help;
pub mod ledger;
pub mod look;
mod mouse;
pub mod msg;
pub mod notice;
pub mod now;
pub mod palette;
pub mod panes;
mod scroll;
pub mod state;
pub mod table;
pub mod text;
mod update;
mod wake;

pub use effect::{Effect, Subject};
pub use environment::{Condition, Environment};
pub use freshness::Freshness;
pub use ledger::Ledger;
pub use msg::{Mouse, MouseKind, Msg};
pub use panes::{Hint, Layout, Pane, Picture};
pub use state::{Env, Overlay, Screen, State};
pub use table::{Sort, Table};
pub use update::update;
