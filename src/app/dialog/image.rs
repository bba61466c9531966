//! The image of *set image*: `CONTAINER=IMAGE`, filled in with what runs, so that only the tag is typed.

use super::super::acting::Found;

/// What runs now, as the field takes it; empty if it is not known.
pub(super) fn now(found: &Found<'_>) -> String {
    found.container().map(|container| format!("{}={}", container.name, container.image)).unwrap_or_default()
}

/// Container and image as typed; without a `=` there is no container.
pub(super) fn split(typed: &str) -> (String, String) {
    let (container, image) = typed.trim().split_once('=').unwrap_or(("", typed.trim()));
    (container.to_owned(), image.to_owned())
}

/// Whether what was typed is what runs already.
pub(super) fn is_now(typed: &str, found: &Found<'_>) -> bool {
    !typed.trim().is_empty() && typed.trim() == now(found)
}
