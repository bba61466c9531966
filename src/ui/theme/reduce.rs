//! Bringing colours down to what a terminal can show. Distances are taken in Oklab (Björn Ottosson, "A perceptual color
//! space for image processing", 2020), where equal steps look equally large.

use ratatui::style::{Color, Modifier, Style};

use super::paint::Paint;
use super::{Depth, Role};

/// The style of a role at a depth.
pub fn style(role: Role, paint: Paint, depth: Depth) -> Style {
    if depth == Depth::None {
        return Style::new().add_modifier(colourless(role));
    }
    let colour = match (depth, paint.colour) {
        (Depth::Indexed, Color::Rgb(red, green, blue)) => Color::Indexed(indexed([red, green, blue])),
        (Depth::Sixteen, Color::Rgb(red, green, blue)) => sixteen([red, green, blue]),
        (Depth::Sixteen, Color::Indexed(index)) => sixteen(of_index(index)),
        (_, colour) => colour,
    };
    let style = Style::new().add_modifier(paint.modifiers);
    match role {
        Role::Background | Role::Danger | Role::Caution | Role::Selection => style.bg(colour),
        _ => style.fg(colour),
    }
}

/// What is left of a role without any colour.
fn colourless(role: Role) -> Modifier {
    match role {
        Role::Strong | Role::Accent | Role::Bad | Role::Warn | Role::BorderFocus | Role::Canary => Modifier::BOLD,
        Role::Dim | Role::Faint | Role::Border => Modifier::DIM,
        Role::Danger | Role::OnDanger => Modifier::REVERSED.union(Modifier::BOLD),
        Role::Caution | Role::OnCaution | Role::Selection => Modifier::REVERSED,
        Role::Background | Role::Text | Role::Ok | Role::Info | Role::Stable => Modifier::empty(),
    }
}

/// The nearest of the cube and the greys of xterm's 256; the first sixteen are left out, as every terminal has its own.
fn indexed(colour: [u8; 3]) -> u8 {
    let wanted = oklab(colour);
    let mut nearest = (f32::MAX, 16);
    for index in 16..=255 {
        let distance = distance(wanted, oklab(of_index(index)));
        if distance < nearest.0 {
            nearest = (distance, index);
        }
    }
    nearest.1
}

/// The xterm colour of an index.
fn of_index(index: u8) -> [u8; 3] {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match index {
        0..=15 => SIXTEEN[usize::from(index)].1,
        16..=231 => {
            let place = index - 16;
            [place / 36, place / 6 % 6, place % 6].map(|step| STEPS[usize::from(step)])
        }
        232..=255 => [8 + 10 * (index - 232); 3],
    }
}

/// Below this chroma in Oklab a colour is a grey.
const GREY: f32 = 0.045;

/// The one of sixteen that means the same: a grey by its lightness, any other by its hue first.
fn sixteen(colour: [u8; 3]) -> Color {
    let wanted = oklab(colour);
    if chroma(wanted) < GREY {
        let [lightness, ..] = wanted;
        return match lightness {
            ..0.28 => Color::Black,
            0.28..0.62 => Color::DarkGray,
            0.62..0.9 => Color::Gray,
            _ => Color::White,
        };
    }
    let off = |candidate: [f32; 3]| {
        let hue = (wanted[2].atan2(wanted[1]) - candidate[2].atan2(candidate[1])).abs();
        hue.min(std::f32::consts::TAU - hue) + 0.4 * (wanted[0] - candidate[0]).abs()
    };
    let coloured = SIXTEEN.iter().filter(|(_, value)| chroma(oklab(*value)) >= GREY);
    let nearest = coloured.min_by(|(_, one), (_, other)| off(oklab(*one)).total_cmp(&off(oklab(*other))));
    nearest.map_or(Color::Reset, |(colour, _)| *colour)
}

/// The sixteen with the values that xterm gives them.
const SIXTEEN: [(Color, [u8; 3]); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::Gray, [229, 229, 229]),
    (Color::DarkGray, [127, 127, 127]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
    (Color::White, [255, 255, 255]),
];

/// The plain value of any colour, as xterm shows it; None for the terminal's own.
pub fn value(colour: Color) -> Option<[u8; 3]> {
    match colour {
        Color::Reset => None,
        Color::Rgb(red, green, blue) => Some([red, green, blue]),
        Color::Indexed(index) => Some(of_index(index)),
        named => SIXTEEN.iter().find(|(known, _)| *known == named).map(|(_, value)| *value),
    }
}

fn distance(one: [f32; 3], other: [f32; 3]) -> f32 {
    one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn chroma([_, a, b]: [f32; 3]) -> f32 {
    a.hypot(b)
}

/// A channel of sRGB as linear light, 0 to 1 (IEC 61966-2-1).
pub fn linear(channel: u8) -> f32 {
    let value = f32::from(channel) / 255.0;
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// Lightness, green to red, blue to yellow.
pub fn oklab(colour: [u8; 3]) -> [f32; 3] {
    let light = colour.map(linear);
    let mix = |weights: [f32; 3]| light.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f32>();
    let long = mix([0.412_221_46, 0.536_332_55, 0.051_445_995]).cbrt();
    let medium = mix([0.211_903_5, 0.680_699_5, 0.107_396_96]).cbrt();
    let short = mix([0.088_302_46, 0.281_718_85, 0.629_978_7]).cbrt();
    [
        0.210_454_26 * long + 0.793_617_8 * medium - 0.004_072_047 * short,
        1.977_998_5 * long - 2.428_592_2 * medium + 0.450_593_7 * short,
        0.025_904_037 * long + 0.782_771_77 * medium - 0.808_675_77 * short,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_of_the_cube_stays_what_it_is() {
        for index in 16..=255 {
            assert_eq!(of_index(indexed(of_index(index))), of_index(index));
        }
    }

    #[test]
    fn sixteen_colours_keep_the_meaning() {
        let check = |colour, expected| assert_eq!(sixteen(colour), expected, "{colour:?}");
        check([0xf4, 0x7a, 0x74], Color::LightRed);
        check([0xbb, 0x21, 0x27], Color::Red);
        check([0x7f, 0xc0, 0x8c], Color::Green);
        check([0x0e, 0x15, 0x1d], Color::Black);
        check([0x7f, 0x8f, 0x9e], Color::Gray);
        check([0xfa, 0xf8, 0xf4], Color::White);
        check([0x58, 0xc4, 0xcf], Color::Cyan);
    }
}
