//! Themes are readable, tell states apart, and stay so with fewer colours.

use super::*;

fn theme(name: &str, depth: Depth) -> Theme {
    Theme::parse(name, built_in(name).unwrap(), depth).unwrap()
}

fn colour(theme: &Theme, role: Role) -> Option<[u8; 3]> {
    let style = theme.style(role);
    style.fg.or(style.bg).and_then(reduce::value)
}

/// WCAG 2.2, relative luminance.
fn luminance(colour: [u8; 3]) -> f32 {
    let [red, green, blue] = colour.map(reduce::linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f32 {
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

#[test]
fn letters_can_be_read_on_every_ground() {
    use Role::{
        Accent, Background, Bad, Canary, Caution, Danger, Dim, Info, Ok, OnCaution, OnDanger, Selection, Stable, Strong, Text, Warn,
    };
    let mut weak = Vec::new();
    for (name, _) in BUILT_IN {
        let theme = theme(name, Depth::True);
        let mut check = |letters: Role, ground: Role, least: f32| {
            if let (Some(front), Some(back)) = (colour(&theme, letters), colour(&theme, ground)) {
                let found = contrast(front, back);
                if found < least {
                    weak.push(format!("{name}: {} on {} is {found:.1}, not {least}", letters.name(), ground.name()));
                }
            }
        };
        if name == "ansi16" {
            continue; // its colours are the terminal's
        }
        check(Text, Background, 7.0);
        check(Strong, Background, 10.0);
        for role in [Dim, Accent, Ok, Warn, Bad, Info, Canary, Stable] {
            check(role, Background, 4.5);
            check(role, Selection, 4.0);
        }
        check(OnDanger, Danger, 4.5);
        check(OnCaution, Caution, 4.5);
    }
    assert!(weak.is_empty(), "{}", weak.join("\n"));
}

/// Machado, Oliveira and Fernandes 2009, deuteranopia of severity 1, on linear light.
fn deuteranope(colour: [u8; 3]) -> [u8; 3] {
    const MATRIX: [[f32; 3]; 3] =
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_82, 0.042_94, 0.968_881]];
    let light = colour.map(reduce::linear);
    MATRIX.map(|row| {
        let value: f32 = row.iter().zip(light).map(|(weight, value)| weight * value).sum();
        let value = value.clamp(0.0, 1.0);
        let curved = if value <= 0.003_130_8 { 12.92 * value } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1")]
        let channel = (curved * 255.0).round() as u8;
        channel
    })
}

fn apart(one: [u8; 3], other: [u8; 3]) -> f32 {
    reduce::oklab(one).iter().zip(reduce::oklab(other)).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
}

#[test]
fn states_look_different_in_every_theme_and_to_a_colour_blind_reader_in_deuter() {
    let pairs = [(Role::Ok, Role::Bad), (Role::Ok, Role::Warn), (Role::Warn, Role::Bad), (Role::Canary, Role::Stable)];
    for (name, _) in BUILT_IN {
        let theme = theme(name, Depth::True);
        for (one, other) in pairs {
            let (front, back) = (colour(&theme, one).unwrap(), colour(&theme, other).unwrap());
            assert!(apart(front, back) > 0.07, "{name}: {} and {} are alike: {}", one.name(), other.name(), apart(front, back));
            if name == "deuter" {
                let seen = apart(deuteranope(front), deuteranope(back));
                assert!(seen > 0.1, "{name}: {} and {} are alike to a deuteranope: {seen}", one.name(), other.name());
            }
        }
    }
}

#[test]
fn fewer_colours_keep_states_apart() {
    for (name, _) in BUILT_IN {
        for depth in [Depth::Indexed, Depth::Sixteen] {
            let theme = theme(name, depth);
            for (one, other) in [(Role::Ok, Role::Bad), (Role::Danger, Role::OnDanger), (Role::Canary, Role::Stable)] {
                assert_ne!(colour(&theme, one), colour(&theme, other), "{name} {depth:?}");
            }
        }
    }
}

#[test]
fn without_colour_nothing_is_coloured() {
    for (name, _) in BUILT_IN {
        let theme = theme(name, Depth::None);
        for role in Role::ALL {
            let style = theme.style(*role);
            assert_eq!((style.fg, style.bg), (None, None), "{name} {}", role.name());
        }
        assert!(theme.style(Role::Danger).add_modifier.contains(Modifier::REVERSED));
    }
}

#[test]
fn what_is_wrong_in_a_file_is_said_with_its_place() {
    let good = built_in("harbor").unwrap();
    let check = |text: String, phrases: &[&str]| {
        let said = Theme::parse("mine", &text, Depth::True).unwrap_err().to_string();
        for phrase in phrases {
            assert!(said.contains(phrase), "{phrase:?} is not in: {said}");
        }
    };
    check(format!("{good}\nlove = \"red\"\n"), &["The theme 'mine'", "unknown field `love`", "line 25"]);
    check(good.replace("#7fc08c", "#7fc08"), &["'#7fc08' is not a colour", "line 11"]);
    check(good.replace("stable =", "# stable ="), &["missing field `stable`"]);
    check(good.replace("\"dark\"", "\"dusk\""), &["dusk", "line 3"]);
}
