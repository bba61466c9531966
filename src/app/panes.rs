//! Where everything is, in numbers: the same ones for drawing, for scrolling and for the mouse.
//!
//! ```text
//! header   environment, freshness, clock; screens where there is room
//! summary  one line about the panes that are not shown, where only one is
//! panes
//! footer   hints, which the mouse can press
//! ```

use ratatui::layout::{Position, Rect, Size};

pub use super::hints::{Hint, Press};
use super::page::Page;
use super::state::{Overlay, Screen, State};
use super::{course, dialog, guard, hints};

/// The smallest terminal that shows anything useful.
pub const SMALLEST: Size = Size::new(40, 12);
/// From this width on panes stand side by side.
const WIDE: u16 = 120;
/// From this height on panes stand above each other.
const TALL: u16 = 30;

/// A part of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pane {
    /// The list of releases.
    Rollouts,
    /// The selected or opened release at a glance.
    Release,
    /// The signals of the selected release.
    Signals,
    /// What happened.
    Now,
    /// The steps of the opened release.
    Steps,
    /// Its revisions, ReplicaSets, pods, analyses and experiments.
    Tree,
    /// One of its signals over time.
    Chart,
    /// Its events.
    Events,
    /// The signals of all that is measured.
    Matrix,
    /// Alerts of the metrics server.
    Alerts,
    /// Budgets, and how fast they are used up.
    Budgets,
    /// What was done.
    Ledger,
    /// One act of it.
    Act,
    /// What is in a release.
    Contents,
    /// What the program noted.
    Log,
}

/// Where everything is on a terminal that is large enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The first line.
    pub header: Rect,
    /// Screens in the header, the mouse can press them; empty where there is no room.
    pub tabs: Vec<Hint>,
    /// One line about the panes that are not shown; only where not all are.
    pub summary: Option<Rect>,
    /// The line about a countdown; only while one runs.
    pub banner: Option<Rect>,
    /// The panes that are shown, with their borders.
    pub panes: Vec<(Pane, Rect)>,
    /// Lines about what is owed, above the acts of the ledger; None where nothing is, or the ledger is not shown.
    pub owed: Option<Rect>,
    /// Rows of the list of the screen inside its pane, without border, titles and filter; None where no list is shown.
    pub rows: Option<Rect>,
    /// Line of the filter inside the list's pane; only while there is one or it is being typed.
    pub filter: Option<Rect>,
    /// The last line.
    pub footer: Rect,
    /// Hints in the footer, the weightiest first; what has no room is left out.
    pub hints: Vec<Hint>,
    /// The window of the overlay with its border; None for the filter, which is in the list.
    pub overlay: Option<Rect>,
    /// The rows of a dialog, or of the marks of an act.
    pub page: Option<Box<Page>>,
}

impl Layout {
    /// The area of a pane, with its border.
    pub fn pane(&self, pane: Pane) -> Option<Rect> {
        self.panes.iter().find(|(shown, _)| *shown == pane).map(|(_, area)| *area)
    }
}

/// A layout, or what is missing for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    /// The terminal is too small.
    TooSmall {
        /// The size that would do.
        wanted: Size,
    },
    /// It fits.
    Fits(Box<Layout>),
}

/// The panes of a screen, in the order of Tab. Where nothing is measured, there is none about it.
pub fn of_screen(screen: &Screen, measured: bool) -> &'static [Pane] {
    match screen {
        Screen::Bridge if measured => &[Pane::Rollouts, Pane::Release, Pane::Signals, Pane::Now],
        Screen::Bridge => &[Pane::Rollouts, Pane::Release, Pane::Now],
        Screen::Rollouts => &[Pane::Rollouts, Pane::Release],
        Screen::Detail(_) if measured => &[Pane::Release, Pane::Steps, Pane::Tree, Pane::Chart, Pane::Events],
        Screen::Detail(_) => &[Pane::Release, Pane::Steps, Pane::Tree, Pane::Events],
        Screen::Signals if measured => &[Pane::Matrix, Pane::Signals, Pane::Alerts, Pane::Budgets],
        Screen::Signals => &[Pane::Matrix],
        Screen::Ledger => &[Pane::Ledger, Pane::Act],
        Screen::Act(_) => &[Pane::Act],
        Screen::Contents(_) => &[Pane::Contents],
        Screen::Log => &[Pane::Log],
    }
}

/// Where everything is.
pub fn picture(state: &State) -> Picture {
    let size = state.size;
    let Some(body) = body(state) else { return Picture::TooSmall { wanted: SMALLEST } };
    let header = Rect::new(0, 0, size.width, 1);
    let footer = Rect::new(0, size.height - 1, size.width, 1);
    let (summary, panes) = shown(state, body);
    let [owed, rows, filter] = list_area(&panes).map_or([None; 3], |area| list_parts(state, area));
    let page = page(state, body);
    Picture::Fits(Box::new(Layout {
        header,
        tabs: hints::tabs(state, header),
        summary,
        banner: banner(state).then_some(Rect { height: 1, y: 1, ..header }),
        panes,
        owed,
        rows,
        filter,
        footer,
        hints: hints::hints(state, footer),
        overlay: page.as_ref().map_or_else(|| overlay(state, body), |page| Some(page.window)),
        page,
    }))
}

/// Rows of the list that are visible, worked out without anything else: this is asked after every message.
pub(super) fn list_height(state: &State) -> usize {
    let Some(body) = body(state) else { return 0 };
    let (_, panes) = shown(state, body);
    list_area(&panes).and_then(|area| list_parts(state, area)[1]).map_or(0, |rows| usize::from(rows.height))
}

/// Whether anything useful is on the screen.
pub(super) fn fits(state: &State) -> bool {
    body(state).is_some()
}

/// Everything between the first line and the last; None where nothing useful fits.
fn body(state: &State) -> Option<Rect> {
    let size = state.size;
    let fits = size.width >= SMALLEST.width && size.height >= SMALLEST.height;
    let above = 1 + u16::from(fits && banner(state));
    fits.then(|| Rect::new(0, above, size.width, size.height - above - 1))
}

/// Whether a countdown has a line of its own.
fn banner(state: &State) -> bool {
    state.banner().is_some()
}

/// The panes that are shown, and the line about the others.
fn shown(state: &State, body: Rect) -> (Option<Rect>, Vec<(Pane, Rect)>) {
    let measured = state.environment().is_measured();
    let all = of_screen(&state.screen, measured);
    let alone = state.zoomed || all.len() == 1 || !fits_all(state.size, &state.screen, measured);
    if !alone {
        return (None, arrange(&state.screen, measured, body));
    }
    let summary = (all.len() > 1).then_some(Rect { height: 1, ..body });
    let taken = u16::from(summary.is_some());
    (summary, vec![(state.focus, Rect { y: body.y + taken, height: body.height - taken, ..body })])
}

fn list_area(panes: &[(Pane, Rect)]) -> Option<Rect> {
    panes.iter().find(|(pane, _)| matches!(pane, Pane::Rollouts | Pane::Ledger | Pane::Matrix)).map(|(_, area)| *area)
}

/// The rows of the window that is made of rows.
fn page(state: &State, body: Rect) -> Option<Box<Page>> {
    match state.overlay.as_ref()? {
        Overlay::Dialog(dialog) => Some(Box::new(dialog::page(state, dialog, body))),
        Overlay::Marks(marks) => Some(Box::new(course::page(state, marks, body))),
        Overlay::Guard(order) => Some(Box::new(guard::page(state, order, body))),
        Overlay::Filter | Overlay::Environments(_) | Overlay::Palette(_) | Overlay::Help => None,
    }
}

/// Whether all panes of a screen have room. Above each other, those about what is measured need more of it.
fn fits_all(size: Size, screen: &Screen, measured: bool) -> bool {
    let least = match screen {
        Screen::Bridge if measured && size.width < WIDE => 38,
        Screen::Detail(_) if measured && size.width < WIDE => 44,
        _ => TALL,
    };
    size.height >= least && size.width >= 80
}

/// All panes of a screen at once.
fn arrange(screen: &Screen, measured: bool, body: Rect) -> Vec<(Pane, Rect)> {
    let wide = body.width >= WIDE;
    match screen {
        Screen::Bridge => bridge(body, wide, measured),
        Screen::Rollouts => {
            let (list, release) = split_rows(body, body.height - (body.height / 3).clamp(9, 14));
            vec![(Pane::Rollouts, list), (Pane::Release, release)]
        }
        Screen::Detail(_) => detail(body, wide, measured),
        Screen::Signals if measured => signals(body, wide),
        Screen::Signals => vec![(Pane::Matrix, body)],
        Screen::Ledger => {
            let (list, act) = split_rows(body, body.height - (body.height * 2 / 5).clamp(11, 20));
            vec![(Pane::Ledger, list), (Pane::Act, act)]
        }
        Screen::Act(_) => vec![(Pane::Act, body)],
        Screen::Contents(_) => vec![(Pane::Contents, body)],
        Screen::Log => vec![(Pane::Log, body)],
    }
}

fn bridge(body: Rect, wide: bool, measured: bool) -> Vec<(Pane, Rect)> {
    let (list, release, now) = if wide {
        let (top, now) = split_rows(body, body.height - (body.height / 4).clamp(6, 14));
        let (list, release) = split_columns(top, top.width * if measured { 53 } else { 56 } / 100);
        (list, release, now)
    } else {
        let (top, now) = split_rows(body, body.height - 6);
        let least = if measured { 20 } else { 9 };
        let (list, release) = split_rows(top, top.height - (top.height / 3).clamp(least, 16.max(least)));
        (list, release, now)
    };
    if !measured {
        return vec![(Pane::Rollouts, list), (Pane::Release, release), (Pane::Now, now)];
    }
    let (release, signals) = split_rows(release, release.height - (release.height * 2 / 5).clamp(9, 14));
    vec![(Pane::Rollouts, list), (Pane::Release, release), (Pane::Signals, signals), (Pane::Now, now)]
}

fn detail(body: Rect, wide: bool, measured: bool) -> Vec<(Pane, Rect)> {
    let (release, rest) = split_rows(body, 7);
    let (steps, tree, chart, events) = match (wide, measured) {
        (true, false) => {
            let (middle, events) = split_rows(rest, rest.height - (rest.height * 3 / 10).clamp(6, 16));
            let (steps, tree) = split_columns(middle, middle.width * 38 / 100);
            (steps, tree, None, events)
        }
        (true, true) => {
            let (middle, events) = split_rows(rest, rest.height - (rest.height / 4).clamp(5, 14));
            let (left, chart) = split_columns(middle, middle.width * 44 / 100);
            let (steps, tree) = split_rows(left, (left.height / 2).min(13));
            (steps, tree, Some(chart), events)
        }
        (false, false) => {
            let (steps, rest) = split_rows(rest, rest.height * 3 / 10);
            let (tree, events) = split_rows(rest, rest.height * 6 / 10);
            (steps, tree, None, events)
        }
        (false, true) => {
            let (chart, rest) = split_rows(rest, rest.height * 4 / 10);
            let (steps, rest) = split_rows(rest, rest.height * 3 / 10);
            let (tree, events) = split_rows(rest, rest.height * 6 / 10);
            (steps, tree, Some(chart), events)
        }
    };
    let mut all = vec![(Pane::Release, release), (Pane::Steps, steps), (Pane::Tree, tree)];
    all.extend(chart.map(|chart| (Pane::Chart, chart)));
    all.push((Pane::Events, events));
    all
}

fn signals(body: Rect, wide: bool) -> Vec<(Pane, Rect)> {
    let (matrix, below) = split_rows(body, body.height - (body.height * 2 / 5).clamp(12, 22));
    let (signals, alerts, budgets) = if wide {
        let (signals, right) = split_columns(below, below.width * 52 / 100);
        let (alerts, budgets) = split_rows(right, right.height / 2);
        (signals, alerts, budgets)
    } else {
        let (signals, right) = split_rows(below, below.height.saturating_sub(5).max(7));
        let (alerts, budgets) = split_columns(right, right.width / 2);
        (signals, alerts, budgets)
    };
    vec![(Pane::Matrix, matrix), (Pane::Signals, signals), (Pane::Alerts, alerts), (Pane::Budgets, budgets)]
}

/// What is owed, rows and filter line inside the list's pane: border, what is owed, titles, rows, filter, border.
fn list_parts(state: &State, area: Rect) -> [Option<Rect>; 3] {
    let inner = Rect::new(area.x + 1, area.y + 1, area.width.saturating_sub(2), area.height.saturating_sub(2));
    let (text, owed) = match state.screen {
        Screen::Ledger => (state.ledger.filter(), owed_height(state, inner.height)),
        Screen::Signals => ("", 0),
        Screen::Bridge | Screen::Rollouts | Screen::Detail(_) | Screen::Act(_) | Screen::Contents(_) | Screen::Log => {
            (state.table().filter(), 0)
        }
    };
    let filters = state.screen != Screen::Signals && (state.overlay == Some(Overlay::Filter) || !text.is_empty());
    let filter = filters.then_some(Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner });
    let above = owed + 1;
    let height = inner.height.saturating_sub(above + u16::from(filters));
    let rows = Rect { y: inner.y + above.min(inner.height), height, ..inner };
    [(owed > 0).then_some(Rect { height: owed, ..inner }), Some(rows), filter]
}

/// Lines for what is owed: a third of the pane at most, and an empty one below where there is room.
fn owed_height(state: &State, height: u16) -> u16 {
    let count = u16::try_from(state.ledger.view().owed.len()).unwrap_or(u16::MAX);
    let lines = count.min((height / 3).max(1));
    if lines > 0 && height >= 14 { lines + 1 } else { lines }
}

/// Cells at the left of a chart's pane that are no plot: border, padding and the axis.
pub const AXIS: u16 = 11;

/// Columns of the plot of a chart's pane.
pub fn plot_width(area: Rect) -> u16 {
    area.width.saturating_sub(AXIS + 2)
}

/// The column of the plot that is at a place of a chart's pane; None beside it.
pub(super) fn plot_column(area: Rect, at: Position) -> Option<u16> {
    let column = at.x.checked_sub(area.x + AXIS)?;
    (area.contains(at) && column < plot_width(area)).then_some(column)
}

/// Rows of choices inside the window of the palette: border, what is typed, a free line where there is room, choices, border.
pub fn palette_rows(window: Rect) -> Rect {
    let above = if window.height >= 10 { 3 } else { 2 };
    let height = window.height.saturating_sub(above + 1);
    Rect { x: window.x + 1, y: window.y + above.min(window.height), width: window.width.saturating_sub(2), height }
}

/// How many choices the palette shows.
pub(super) fn palette_height(window: Rect) -> usize {
    usize::from(palette_rows(window).height)
}

fn overlay(state: &State, body: Rect) -> Option<Rect> {
    let (width, height) = match state.overlay.as_ref()? {
        Overlay::Filter | Overlay::Dialog(_) | Overlay::Marks(_) | Overlay::Guard(_) => return None,
        Overlay::Environments(_) => (76, u16::try_from(state.environments.len()).unwrap_or(u16::MAX).saturating_add(4)),
        Overlay::Help => (92, body.height),
        // Its height stays as one types, and its upper edge where the eye is.
        Overlay::Palette(_) => (92, 19),
    };
    let (width, height) = (width.min(body.width), height.min(body.height));
    if matches!(state.overlay, Some(Overlay::Palette(_))) {
        return Some(Rect::new(body.x + (body.width - width) / 2, body.y + (body.height - height) / 6, width, height));
    }
    Some(Rect::new(body.x + (body.width - width) / 2, body.y + (body.height - height) / 2, width, height))
}

fn split_rows(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
}

fn split_columns(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    (Rect { width, ..area }, Rect { x: area.x + width, width: area.width - width, ..area })
}
