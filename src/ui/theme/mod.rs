//! Colours by role. Drawing code asks for a [`Role`], never for a colour; a theme is a TOML file that says which colour a
//! role has, and a [`Depth`] brings it down to what the terminal can show. Reads no file and no environment variable.

mod paint;
mod reduce;

pub use reduce::value;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::glyph::{self, Mark};
use paint::Paint;

/// The themes that are compiled in, with their text; the first is the default.
pub const BUILT_IN: [(&str, &str); 5] = [
    ("harbor", include_str!("../../../themes/harbor.toml")),
    ("daylight", include_str!("../../../themes/daylight.toml")),
    ("contrast", include_str!("../../../themes/contrast.toml")),
    ("deuter", include_str!("../../../themes/deuter.toml")),
    ("ansi16", include_str!("../../../themes/ansi16.toml")),
];

/// The text of a built-in theme.
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None: `NO_COLOR`. Weight and reversal carry what can be carried; glyphs and words say all of it.
    None,
    /// The sixteen of old.
    Sixteen,
    /// The 256 of xterm.
    Indexed,
    /// 24 bits.
    #[default]
    True,
}

/// Whether a theme is made for a dark or a light background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Light letters on dark.
    #[default]
    Dark,
    /// Dark letters on light.
    Light,
}

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident = $name:ident),* $(,)?) => {
        /// What a colour is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Role { $($(#[$doc])* $role),* }

        impl Role {
            /// Every role, in the order of the theme files.
            pub const ALL: &[Self] = &[$(Self::$role),*];

            /// The role's name in a theme file.
            pub fn name(self) -> &'static str {
                match self { $(Self::$role => stringify!($name)),* }
            }
        }

        /// A theme as its file has it.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            description: String,
            #[serde(default)]
            mode: Mode,
            $($name: Paint),*
        }

        impl File {
            fn paints(&self) -> [Paint; Role::ALL.len()] {
                [$(self.$name),*]
            }
        }
    };
}

roles! {
    /// Behind everything.
    Background = background,
    /// Ordinary text.
    Text = text,
    /// What is read first: names, titles, the selected thing.
    Strong = strong,
    /// What is read last: labels, units, ages.
    Dim = dim,
    /// Tracks of bars, rules, what has not begun.
    Faint = faint,
    /// The one colour of the program: keys, the focused tab.
    Accent = accent,
    /// Well.
    Ok = ok,
    /// Needs an eye.
    Warn = warn,
    /// Wrong.
    Bad = bad,
    /// Moves by itself.
    Info = info,
    /// Background of what must not be overlooked: production's name.
    Danger = danger,
    /// Letters on `danger`.
    OnDanger = on_danger,
    /// Background of stage's name.
    Caution = caution,
    /// Letters on `caution`.
    OnCaution = on_caution,
    /// Background of the selected row.
    Selection = selection,
    /// Frames.
    Border = border,
    /// Frame of the focused pane.
    BorderFocus = border_focus,
    /// The new version.
    Canary = canary,
    /// The version to go back to.
    Stable = stable,
}

/// Why a theme cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("The theme '{name}' cannot be used. {source}")]
pub struct Error {
    /// Name or path of the theme.
    name: String,
    /// The place in the text and what is wrong there.
    source: toml::de::Error,
}

/// A theme, ready to draw with.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// One line about it.
    pub description: String,
    /// What background it is made for.
    pub mode: Mode,
    /// How many colours it uses.
    pub depth: Depth,
    /// Whether marks and frames are drawn in ASCII.
    pub ascii: bool,
    /// Whether spinners stand still.
    pub still: bool,
    styles: [Style; Role::ALL.len()],
}

impl Default for Theme {
    /// Harbor in full colour.
    fn default() -> Self {
        let (name, text) = BUILT_IN[0];
        Self::parse(name, text, Depth::True).unwrap_or_else(|_| Self::plain())
    }
}

impl Theme {
    /// Reads a theme file; `name` is said in errors. Unknown keys, missing roles and bad colours are errors with their place.
    pub fn parse(name: &str, text: &str, depth: Depth) -> Result<Self, Error> {
        let file: File = toml::from_str(text).map_err(|source| Error { name: name.to_owned(), source })?;
        let paints = file.paints();
        let styles = std::array::from_fn(|place| reduce::style(Role::ALL[place], paints[place], depth));
        Ok(Self {
            name: name.to_owned(),
            description: file.description,
            mode: file.mode,
            depth,
            ascii: false,
            still: false,
            styles,
        })
    }

    /// No colour at all.
    fn plain() -> Self {
        Self {
            name: "plain".to_owned(),
            description: String::new(),
            mode: Mode::Dark,
            depth: Depth::None,
            ascii: false,
            still: false,
            styles: std::array::from_fn(|place| reduce::style(Role::ALL[place], Paint::default(), Depth::None)),
        }
    }

    /// How something of this role is drawn: letters in its colour, or for the roles that are backgrounds, the background.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// Letters of a role, bold.
    pub fn bold(&self, role: Role) -> Style {
        self.style(role).add_modifier(Modifier::BOLD)
    }

    /// A role's colour for a filled area: nearer to the background than its letters, as an area looks brighter than they do.
    pub fn fill(&self, role: Role) -> Style {
        let style = self.style(role);
        let ground = self.style(Role::Background).bg;
        let (Some(Color::Rgb(red, green, blue)), Some(Color::Rgb(r, g, b))) = (style.fg, ground) else { return style };
        let mix = |letter: u8, back: u8| u8::try_from((u16::from(letter) * 7 + u16::from(back) * 3) / 10).unwrap_or(letter);
        style.fg(Color::Rgb(mix(red, r), mix(green, g), mix(blue, b)))
    }

    /// The style of a mark: its meaning's colour.
    pub fn mark(&self, mark: Mark) -> Style {
        self.style(mark.role())
    }

    /// The glyph of a mark at a time: spinners turn four times a second unless the theme stands still.
    pub fn glyph(&self, mark: Mark, now: Timestamp) -> &'static str {
        if mark == Mark::Running && !self.still {
            return glyph::spinner(now);
        }
        mark.glyph()
    }

    /// Fills an area with the background.
    pub fn ground(&self, buffer: &mut Buffer, area: Rect) {
        let style = self.style(Role::Text).patch(self.style(Role::Background));
        buffer.set_style(area, style);
    }

    /// Marks a row as selected: on the selection's background, or reversed and in one colour where there is none.
    pub fn select(&self, buffer: &mut Buffer, area: Rect) {
        let selection = self.style(Role::Selection);
        if selection.bg.is_none_or(|colour| colour == Color::Reset) {
            for place in area.intersection(buffer.area).positions() {
                let Some(cell) = buffer.cell_mut(place) else { continue };
                // Reversed, a bar would be a hole; letters in colours on a light ground would be hard to read.
                let colour = if is_bar(cell.symbol()) { cell.fg } else { Color::Reset };
                cell.set_style(Style::reset().bg(colour).add_modifier(Modifier::REVERSED));
            }
        } else {
            buffer.set_style(area, selection);
        }
    }

    /// Makes an area look as old as it is: everything in it dim, nothing bold.
    pub fn age(&self, buffer: &mut Buffer, area: Rect) {
        buffer.set_style(area, self.style(Role::Dim).remove_modifier(Modifier::BOLD));
    }
}

/// Whether a cell is part of a bar, see [`super::widget::bar`].
fn is_bar(symbol: &str) -> bool {
    symbol.chars().all(|letter| ('█'..='▏').contains(&letter))
}

#[cfg(test)]
mod tests;
