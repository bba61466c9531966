//! An environment's name with its tier. Production's stands on the danger colour: nobody acts in the wrong place.

use ratatui::style::{Modifier, Style};

use crate::config::Tier;
use crate::ui::theme::{Role, Theme};

/// The word of a tier.
pub fn word(tier: Tier) -> &'static str {
    match tier {
        Tier::Dev => "DEV",
        Tier::Stage => "STAGE",
        Tier::Prod => "PROD",
    }
}

/// The style in which a tier's environment is named.
pub fn style(theme: &Theme, tier: Tier) -> Style {
    match tier {
        Tier::Prod => theme.style(Role::OnDanger).patch(theme.style(Role::Danger)).add_modifier(Modifier::BOLD),
        Tier::Stage => theme.style(Role::OnCaution).patch(theme.style(Role::Caution)).add_modifier(Modifier::BOLD),
        Tier::Dev => theme.style(Role::Strong),
    }
}

/// The badge: ` prod-us-east-1 ⬢ PROD `.
pub fn badge(name: &str, tier: Tier) -> String {
    format!(" {name} ⬢ {} ", word(tier))
}
