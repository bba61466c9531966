//! What a release is: plain types and arithmetic. Imports neither tokio nor kube nor ratatui, and reads no clock.

pub mod fact;
pub mod id;
pub mod object;
pub mod release;
