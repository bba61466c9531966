//! The rules of guards, as `[guard]` says them.

use jiff::SignedDuration;

use super::Guard;
use crate::domain::guard::Rules;

impl Guard {
    /// When guards act.
    pub fn rules(&self) -> Rules {
        Rules {
            hold_after: seconds(self.hold_after),
            breach_after: seconds(self.breach_after),
            saturation_after: seconds(self.saturation_after),
            saturation: self.saturation.as_str().into(),
            saturation_limit: self.saturation_limit,
            countdown: seconds(self.countdown),
            lease: seconds(self.lease),
        }
    }
}

fn seconds(time: SignedDuration) -> u32 {
    u32::try_from(time.as_secs().max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_rules() {
        assert_eq!(Guard::default().rules(), Rules::default());
    }
}
