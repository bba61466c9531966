//! The versions of a release that run, each with its role, revision, image, share of traffic and pods.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::pen::{Pen, row};
use super::super::text;
use super::super::theme::{Role, Theme};
use super::super::widget::bar;
use crate::domain::release::{Release, Tag};
use crate::domain::tree::{Revision, SetNode};

/// One version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    role: &'static str,
    colour: Role,
    revision: Option<i64>,
    image: String,
    share: Option<i64>,
    available: i64,
    desired: Option<i64>,
}

impl Version {
    /// `3/3 pods`.
    fn pods(&self) -> String {
        self.desired.map_or_else(String::new, |desired| format!("{}/{desired} pods", self.available))
    }
}

/// The versions that have a role, the newest first. Without ReplicaSets, what the images say.
pub fn versions(release: &Release, revisions: &[Revision]) -> Vec<Version> {
    let mut all = Vec::new();
    for revision in revisions {
        for set in revision.replica_sets.iter().filter(|set| !set.tags.is_empty()) {
            all.push(of_set(release, revision.number, set));
        }
    }
    if all.is_empty() {
        for image in &release.images {
            let (role, colour) = role(&image.tags, release);
            all.push(Version {
                role,
                colour,
                revision: None,
                image: text::image(&image.image).into_owned(),
                share: None,
                available: 0,
                desired: None,
            });
        }
    }
    all
}

fn of_set(release: &Release, number: i64, set: &SetNode) -> Version {
    let (role, colour) = role(&set.tags, release);
    let share = release.shown_weight.map(|weight| match colour {
        Role::Canary => weight,
        _ if release.promoted => 100,
        _ => 100 - weight,
    });
    let images: Vec<_> = set.images.iter().map(|image| text::image(image)).collect();
    Version {
        role,
        colour,
        revision: Some(number).filter(|number| *number > 0),
        image: images.join(" "),
        share,
        available: set.available,
        desired: Some(set.desired),
    }
}

/// What a version is called, and in which colour.
fn role(tags: &[Tag], release: &Release) -> (&'static str, Role) {
    let has = |tag: &Tag| tags.contains(tag);
    if has(&Tag::Active) {
        return ("active", Role::Stable);
    }
    if has(&Tag::Stable) && (release.promoted || !has(&Tag::Canary)) {
        return ("stable", Role::Stable);
    }
    if has(&Tag::Preview) { ("preview", Role::Canary) } else { ("canary", Role::Canary) }
}

/// Draws a line for each; gives what is left below.
pub fn draw(versions: &[Version], release: &Release, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Rect {
    let mut rest = area;
    let longest = |of: fn(&Version) -> u16| versions.iter().map(of).max().unwrap_or(0);
    let widths = (longest(|version| text::width(&version.image)), longest(|version| text::width(&version.pods())));
    for version in versions {
        if rest.height == 0 {
            break;
        }
        line(version, release, theme, widths, &mut Pen::new(buffer, row(rest, 0)));
        rest = Rect { y: rest.y + 1, height: rest.height - 1, ..rest };
    }
    rest
}

fn line(version: &Version, release: &Release, theme: &Theme, (images, pods): (u16, u16), pen: &mut Pen<'_>) {
    let dim = theme.style(Role::Dim);
    pen.column(version.role, 7, theme.style(version.colour)).skip(1);
    let revision = version.revision.map_or_else(String::new, |revision| format!("rev {revision}"));
    if pen.room() > 40 {
        pen.column(&revision, 8, dim);
    }
    let share = if version.share.is_some() { 6 } else { 0 };
    let kept = share + pods + 3;
    let room = pen.room().saturating_sub(kept);
    let image = images.min(room).max(room.min(8));
    pen.within(image, |pen| {
        pen.put(&text::fit_name(&version.image, image), theme.style(Role::Text));
    });
    pen.skip(1);
    if let Some(share) = version.share {
        pen.column_right(&format!("{share}%"), 5, theme.style(Role::Strong)).skip(1);
        let bar = pen.room().saturating_sub(pods + 2).min(32);
        if bar >= 6 && !release.promoted {
            bar::draw(pen, theme, share, bar, version.colour);
            pen.skip(1);
        }
    }
    let short = version.desired.is_some_and(|desired| version.available < desired);
    pen.skip(1).put(&version.pods(), if short { theme.style(Role::Warn) } else { dim });
}
