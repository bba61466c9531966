//! Kubernetes objects, as little of each as Pilothouse shows. Every field is optional, as in the API, where zero values are
//! left out; unknown fields are skipped. Decoding never loses an object: see [`decode()`].

mod analysis_run;
mod canary;
mod decode;
mod event;
mod experiment;
mod lease;
mod meta;
mod pod;
mod replica_set;
mod rollout;

pub use analysis_run::*;
pub use canary::*;
pub use decode::*;
pub use event::*;
pub use experiment::*;
pub use lease::*;
pub use meta::*;
pub use pod::*;
pub use replica_set::*;
pub use rollout::*;
