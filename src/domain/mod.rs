//! What a release is: plain types and arithmetic. Imports neither tokio nor kube nor ratatui, and reads no clock.

pub mod action;
pub mod analysis;
pub mod belongings;
pub mod contents;
pub mod duration;
pub mod fact;
pub mod flagger;
pub mod go;
pub mod guard;
pub mod id;
pub mod ledger;
pub mod managed;
pub mod object;
pub mod onward;
pub mod phase;
pub mod pod;
pub mod release;
mod row;
pub mod series;
pub mod signal;
pub mod signs;
pub mod slo;
pub mod step;
pub mod tag;
pub mod timeline;
pub mod tree;
pub mod weight;
pub mod why;

#[cfg(test)]
mod tests;
