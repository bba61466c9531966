//! The pure core: `update(state, message) -> effects`. No I/O, no clock, no randomness.

pub mod cluster;
pub mod effect;
pub mod environment;
pub mod freshness;
pub mod help;
pub mod msg;
pub mod notice;
pub mod panes;
pub mod state;
pub mod table;

pub use effect::{Effect, Subject};
pub use environment::Environment;
pub use freshness::Freshness;
pub use msg::{Mouse, MouseKind, Msg};
pub use panes::{Hint, Layout, Pane, Picture};
pub use state::{Env, Overlay, Screen, State};
pub use table::{Sort, Table};
