//! How much a service is asked, as a function of time: a level that swings a little, so that its counters can be worked out for
//! any moment.

use std::f64::consts::TAU;

use crate::demo::promql::number::seconds;

/// Requests per second over time: `level · (1 + swing · sin(2π t / period + phase))`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traffic {
    /// Requests per second on average.
    pub level: f64,
    swing: f64,
    /// Milliseconds.
    period: i64,
    phase: f64,
}

impl Traffic {
    /// Traffic of this level; `chance` makes it swing in its own time.
    pub fn new(level: f64, chance: u64) -> Self {
        let share = |bits: u64| f64::from(u32::try_from(bits & 0xffff).unwrap_or(0)) / 65_536.0;
        let period = 700_000 + i64::try_from(chance >> 32 & 0xf_ffff).unwrap_or(0);
        Self { level, swing: 0.06, period, phase: TAU * share(chance) }
    }

    /// Requests between two times, in milliseconds since 1970: the integral of the rate.
    pub fn requests(&self, from: i64, to: i64) -> f64 {
        let speed = TAU / seconds(self.period);
        // Of the whole turns nothing is needed, and they would cost precision.
        let angle = |at: i64| speed * seconds(at.rem_euclid(self.period)) + self.phase;
        (self.level * (seconds(to - from) + self.swing / speed * (angle(from).cos() - angle(to).cos()))).max(0.0)
    }
}

/// A number that is always the same for a text, and looks like chance.
pub fn chance(text: &str) -> u64 {
    let mixed = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    (mixed ^ (mixed >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_adds_up_and_swings_around_its_level() {
        let traffic = Traffic::new(20.0, chance("edge/gateway"));
        let start = 1_767_600_000_000;
        let whole = traffic.requests(start, start + 7_200_000);
        let halves = traffic.requests(start, start + 1_234_567) + traffic.requests(start + 1_234_567, start + 7_200_000);
        assert!((whole - halves).abs() < 1e-6, "{whole} {halves}");
        assert!((whole / 7200.0 - 20.0).abs() < 0.5, "{}", whole / 7200.0);
        let minutes: Vec<f64> =
            (0..60).map(|minute| traffic.requests(start + minute * 60_000, start + (minute + 1) * 60_000)).collect();
        let (least, most) = minutes.iter().fold((f64::MAX, 0.0_f64), |(least, most), v| (least.min(*v), most.max(*v)));
        assert!(least > 1100.0 && most < 1290.0 && most - least > 50.0, "{least} {most}");
    }
}
