//! Pure drawing: one file per screen, pane or widget, themes, export. Knows no clock and does no I/O.

pub mod export;
pub mod glyph;
pub mod pen;
pub mod text;
pub mod theme;
