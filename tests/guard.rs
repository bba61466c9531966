//! Guards at work on the embedded world and on a real API server: of several one acts, and once.

mod cockpit;
mod command;
mod flagger;
mod machine;
mod post;
mod real;
mod room;
