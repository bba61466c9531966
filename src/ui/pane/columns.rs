//! Which columns the list has at a width: the weightiest first, as many as there is room for, the rest of the room where it
//! helps most.

use std::borrow::Cow;

use super::super::pen::Pen;
use super::super::text;
use super::super::theme::{Role, Theme};
use crate::domain::release::{Release, Tag};

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Name of the release.
    Name,
    /// Its namespace.
    Namespace,
    /// What comes next and by whom.
    Next,
    /// The worst of what is measured.
    Gate,
    /// Share of traffic in percent.
    Weight,
    /// The same as a bar.
    Bar,
    /// Step being done.
    Step,
    /// Time left.
    Left,
    /// Images, from and to.
    Images,
    /// Revision.
    Revision,
    /// How long it has been so.
    Age,
}

impl Column {
    /// What stands above it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Name => "rollout",
            Self::Namespace => "namespace",
            Self::Next => "next",
            Self::Weight => "",
            Self::Gate => "gate",
            Self::Bar => "traffic",
            Self::Step => "step",
            Self::Left => "left",
            Self::Images => "image",
            Self::Revision => "rev",
            Self::Age => "for",
        }
    }

    /// Whether it is written from the right.
    pub fn right(self) -> bool {
        matches!(self, Self::Weight | Self::Step | Self::Left | Self::Revision | Self::Age)
    }

    /// Free cells behind it.
    pub fn gap(self) -> u16 {
        if self == Self::Weight { 1 } else { 2 }
    }
}

/// In the order in which they come in as the room grows: column, least cells.
const BY_WEIGHT: [(Column, u16); 11] = [
    (Column::Name, 11),
    (Column::Next, 20),
    (Column::Weight, 4),
    (Column::Gate, GATE),
    (Column::Left, 5),
    (Column::Bar, 10),
    (Column::Step, 5),
    (Column::Namespace, 11),
    (Column::Images, 24),
    (Column::Revision, 5),
    (Column::Age, 4),
];

/// Cells of a gate's mark and words.
const GATE: u16 = 14;
/// Up to this room the gate is its mark alone.
const NARROW: u16 = 82;

/// Where room that is left goes: column, most cells; one after the other.
const GROWING: [(Column, u16); 7] = [
    (Column::Name, 18),
    (Column::Gate, 17),
    (Column::Bar, 18),
    (Column::Images, 34),
    (Column::Name, 34),
    (Column::Namespace, 20),
    (Column::Images, 64),
];

/// The columns of a list, from left to right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Vec<(Column, u16)>);

impl Columns {
    /// The columns for so many cells; without the gate's where nothing is measured.
    pub fn fitting(room: u16, measured: bool) -> Self {
        let mut chosen: Vec<(Column, u16)> = Vec::with_capacity(BY_WEIGHT.len());
        for (column, least) in BY_WEIGHT.into_iter().filter(|(column, _)| measured || *column != Column::Gate) {
            let mark_alone = column == Column::Gate && room < NARROW;
            chosen.push((column, if mark_alone { 1 } else { least }));
            if width(&chosen) > room {
                chosen.pop();
                break;
            }
        }
        for (column, most) in GROWING {
            let left = room.saturating_sub(width(&chosen));
            // A mark that is alone stays so: half a word beside it would say nothing.
            if let Some((_, cells)) = chosen.iter_mut().find(|(known, cells)| *known == column && *cells > 1) {
                *cells += most.saturating_sub(*cells).min(left);
            }
        }
        chosen.sort_unstable();
        Self(chosen)
    }

    /// The columns with their cells.
    pub fn iter(&self) -> impl Iterator<Item = (Column, u16)> {
        self.0.iter().copied()
    }
}

fn width(columns: &[(Column, u16)]) -> u16 {
    let gaps = columns.iter().map(|(column, cells)| cells + column.gap()).sum::<u16>();
    // Behind the last column there is none.
    let last = columns.iter().max().map_or(0, |(column, _)| column.gap());
    gaps.saturating_sub(last)
}

/// `gateway:v1.2.9→v1.3.0`, or what runs where nothing changes.
pub fn images(theme: &Theme, release: &Release, cells: u16, pen: &mut Pen<'_>) {
    let dim = theme.style(Role::Dim);
    let (from, to) = change(release);
    match (from, to) {
        (Some(from), Some(to)) => {
            let to = short_to(from, to);
            let room = cells.saturating_sub(text::width(&to) + 1);
            // The name of the image is mostly the release's: where room is short, the tag tells more.
            let whole = text::image(from);
            let from = if text::width(&whole) > room { text::image_tag(from).unwrap_or(whole) } else { whole };
            pen.put(&text::fit_name(&from, room), dim).put("→", dim).put(&to, theme.style(Role::Canary));
        }
        (Some(one), None) | (None, Some(one)) => {
            pen.put(&text::fit_name(&text::image(one), cells), dim);
        }
        (None, None) => {}
    }
}

/// The tag alone, if only the tag changes.
pub fn short_to<'a>(from: &str, to: &'a str) -> Cow<'a, str> {
    let name = |image: &str| image.split(['@', ':']).next().unwrap_or_default().to_owned();
    let same = name(from.rsplit('/').next().unwrap_or(from)) == name(to.rsplit('/').next().unwrap_or(to));
    same.then(|| text::image_tag(to)).flatten().unwrap_or_else(|| text::image(to))
}

/// The image that goes and the one that comes; the second is None where nothing changes.
pub fn change(release: &Release) -> (Option<&str>, Option<&str>) {
    let with = |wanted: [Tag; 2]| {
        let all = release.images.iter().filter(move |image| image.tags.iter().any(|tag| wanted.contains(tag)));
        all.map(|image| &*image.image).collect::<Vec<_>>()
    };
    let (old, new) = (with([Tag::Stable, Tag::Active]), with([Tag::Canary, Tag::Preview]));
    let comes = new.iter().find(|image| !old.contains(image));
    let goes = old.iter().find(|image| !new.contains(image)).or(old.first());
    (goes.copied(), comes.copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_in_by_weight_and_never_exceed_the_room() {
        for room in 0..240 {
            for measured in [false, true] {
                let columns = Columns::fitting(room, measured);
                assert!(width(&columns.0) <= room, "{room}: {columns:?}");
            }
        }
        let names = |room| Columns::fitting(room, false).iter().map(|(column, _)| column).collect::<Vec<_>>();
        assert_eq!(names(34), [Column::Name, Column::Next]);
        assert_eq!(names(72).len(), 6);
        assert_eq!(names(200).len(), 10);
        assert_eq!(Columns::fitting(200, true).iter().count(), 11);
    }

    #[test]
    fn only_what_differs_is_named_twice() {
        assert_eq!(short_to("ghcr.io/a/gateway:v1", "ghcr.io/a/gateway:v2"), "v2");
        assert_eq!(short_to("ghcr.io/a/gateway:v1", "ghcr.io/a/portal:v2"), "portal:v2");
    }
}
