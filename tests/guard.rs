//! Guards at work on the embedded world and on a real API server: of several one acts, and once.

mod cockpit;
mod command;
mod machine;
mod post;
mod real;
mod room;
