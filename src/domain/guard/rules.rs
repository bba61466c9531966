//! When a guard acts, in seconds.

use std::sync::Arc;

/// When a guard acts.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// A breach that lasts so many seconds holds the release.
    pub hold_after: u32,
    /// A breach that lasts so many seconds takes it back.
    pub breach_after: u32,
    /// Saturation of the canary above its limit and above stable's takes it back after so many seconds.
    pub saturation_after: u32,
    /// Name of the signal that tells saturation.
    pub saturation: Arc<str>,
    /// From where on it is too much, as its query returns it.
    pub saturation_limit: f64,
    /// Seconds for which it can be cancelled before it takes the release back.
    pub countdown: u32,
    /// Seconds for which a guard that says nothing more is taken for alive.
    pub lease: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            hold_after: 60,
            breach_after: 600,
            saturation_after: 300,
            saturation: "saturation".into(),
            saturation_limit: 0.8,
            countdown: 30,
            lease: 15,
        }
    }
}
