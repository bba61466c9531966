//! The list of releases: order, filter, selection and window over keys. The selection is a key, so that no update, sort or filter can
//! move it to another release. A change costs a few comparisons; nothing sorts everything because one row changed.

use crate::domain::id::Key;

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Those that need a person first, then those that move, then by name.
    #[default]
    Need,
    /// By name, then namespace.
    Name,
    /// By namespace, then name.
    Namespace,
    /// By phase, the worst first.
    Phase,
    /// By weight, the most first.
    Weight,
    /// By age, the youngest first.
    Age,
}

impl Sort {
    /// All of them, in the order in which the key goes through them.
    pub const ALL: [Self; 6] = [Self::Need, Self::Name, Self::Namespace, Self::Phase, Self::Weight, Self::Age];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Need => "need",
            Self::Name => "name",
            Self::Namespace => "namespace",
            Self::Phase => "phase",
            Self::Weight => "weight",
            Self::Age => "age",
        }
    }
}

/// How many releases there are, by what one wants to know first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub all: usize,
    /// Those that need a person.
    pub need: usize,
    /// Those on their way, and not in need.
    pub moving: usize,
    /// Those that the filter lets through.
    pub shown: usize,
    /// Those that need a person and that the filter hides.
    pub hidden_need: usize,
}

/// The list of releases of one environment.
#[derive(Debug, Default)]
pub struct Table {
    shown: Vec<Key>,
    selected: Option<Key>,
    top: usize,
    sort: Sort,
    reversed: bool,
    filter: String,
    counts: Counts,
}

impl Table {
    /// The rows that are visible, top first: `height` of them from [`Table::top`] on.
    pub fn window(&self, height: usize) -> impl Iterator<Item = &Key> {
        self.shown.iter().skip(self.top).take(height)
    }

    /// Place of the first visible row among those shown.
    pub fn top(&self) -> usize {
        self.top
    }

    /// The selected release; None only while there is none.
    pub fn selected(&self) -> Option<&Key> {
        self.selected.as_ref()
    }

    /// Place of the selected release among those shown.
    pub fn position(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.shown.iter().position(|key| key == selected)
    }

    /// How many there are.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What it is sorted by, and whether the other way round.
    pub fn sort(&self) -> (Sort, bool) {
        (self.sort, self.reversed)
    }

    /// The filter; empty if there is none.
    pub fn filter(&self) -> &str {
        &self.filter
    }
}
