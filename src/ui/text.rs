//! How things are written on the screen: images, ages, times. Cutting to a width is [`crate::app::text`]'s.

use std::borrow::Cow;

use jiff::Timestamp;

pub use crate::app::text::{fit, fit_name, front, width, wrap};

/// An image without registry and path (`gateway:v1.3.0`); of a digest the first eight digits.
pub fn image(reference: &str) -> Cow<'_, str> {
    let short = reference.rsplit('/').next().unwrap_or(reference);
    match short.split_once("@sha256:") {
        Some((name, digest)) => Cow::Owned(format!("{name}@{}", front(digest, 8))),
        None => Cow::Borrowed(short),
    }
}

/// The tag or digest of an image, where there is one.
pub fn image_tag(reference: &str) -> Option<Cow<'_, str>> {
    let short = reference.rsplit('/').next().unwrap_or(reference);
    match short.split_once('@') {
        Some((_, digest)) => Some(Cow::Owned(format!("@{}", front(digest.trim_start_matches("sha256:"), 8)))),
        None => short.split_once(':').map(|(_, tag)| Cow::Borrowed(tag)),
    }
}

/// An age in one unit, as a column shows it: `45s`, `12m`, `3h`, `5d`, `2y`. What lies ahead is `0s`.
pub fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{}s", seconds.max(0)),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        172_800..63_072_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

/// How long ago a moment was, as [`age`] says it.
pub fn ago(moment: Timestamp, now: Timestamp) -> String {
    age(now.duration_since(moment).as_secs())
}

/// The time of day in UTC.
pub fn time_of_day(moment: Timestamp) -> String {
    moment.strftime("%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_shortened_to_what_differs() {
        assert_eq!(image("ghcr.io/acme/gateway:v1.3.0"), "gateway:v1.3.0");
        assert_eq!(image("localhost:5000/gateway"), "gateway");
        assert_eq!(image("acme/gateway@sha256:0123456789abcdef"), "gateway@01234567");
        assert_eq!(image_tag("ghcr.io:443/acme/gateway:v1.3.0").as_deref(), Some("v1.3.0"));
        assert_eq!(image_tag("acme/gateway@sha256:0123456789abcdef").as_deref(), Some("@01234567"));
        assert_eq!(image_tag("gateway"), None);
    }

    #[test]
    fn ages_have_one_unit() {
        let seconds = [-3, 0, 119, 120, 7_199, 7_200, 172_799, 172_800, 63_072_000];
        assert_eq!(seconds.map(age), ["0s", "0s", "119s", "2m", "119m", "2h", "47h", "2d", "2y"]);
    }
}
