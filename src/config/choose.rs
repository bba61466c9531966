//! What the command line says about environments, laid over the settings. One function, so that the cockpit and every
//! subcommand understand the same options in the same way.

use super::error::{nearest, quoted};
use super::{Environment, Error, Namespaces, Settings};

/// The options that choose where to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// `--environment`: a configured name.
    pub environment: Option<String>,
    /// `--context`: a context of the kubeconfig.
    pub context: Option<String>,
    /// `--namespace`: only this one.
    pub namespace: Option<String>,
    /// `-A`: all namespaces, whatever the configuration says.
    pub all_namespaces: bool,
    /// `--readonly`: nothing can be changed.
    pub readonly: bool,
}

impl Settings {
    /// Lays the command line over the settings.
    pub fn choose(&mut self, choice: &Choice) -> Result<(), Error> {
        if let Some(name) = &choice.environment {
            self.start_environment = self.named(name)?;
        }
        if let Some(context) = &choice.context {
            self.start_environment = self.with_context(context);
        }
        if let Some(start) = self.environments.get_mut(self.start_environment) {
            if let Some(namespace) = &choice.namespace {
                start.namespaces = Namespaces::Some(vec![namespace.clone()]);
            }
            if choice.all_namespaces {
                start.namespaces = Namespaces::All;
            }
        }
        self.readonly |= choice.readonly;
        Ok(())
    }

    fn named(&self, name: &str) -> Result<usize, Error> {
        self.environments.iter().position(|one| one.name == name).ok_or_else(|| {
            let names = || self.environments.iter().map(|one| one.name.as_str());
            let meant = nearest(name, names()).map_or(String::new(), |meant| format!("Did you mean '{meant}'? "));
            Error::UnknownEnvironment { asked: name.to_owned(), known: format!("{meant}Configured: {}.", quoted(names())) }
        })
    }

    /// The strictest environment that has this context; an unknown one becomes a new environment, as production.
    fn with_context(&mut self, context: &str) -> usize {
        let having = self.environments.iter().enumerate().filter(|(_, one)| one.context.as_deref() == Some(context));
        if let Some((place, _)) = having.max_by_key(|(place, one)| (one.write, one.tier, std::cmp::Reverse(*place))) {
            return place;
        }
        let current = Environment { policy: self.policy.clone(), ..Environment::current() };
        let unknown = Environment { name: context.to_owned(), context: Some(context.to_owned()), ..current.clone() };
        if self.environments.len() == 1 && self.environments.first() == Some(&current) {
            self.environments.clear();
        }
        self.environments.push(unknown);
        self.environments.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Policy, Tier, Write};

    fn environment(name: &str, context: &str, tier: Tier, write: Write) -> Environment {
        Environment {
            name: name.to_owned(),
            context: Some(context.to_owned()),
            tier,
            write,
            namespaces: Namespaces::Some(vec!["shop".to_owned()]),
            ..Environment::current()
        }
    }

    fn settings() -> Settings {
        let environments = vec![
            environment("stage", "west", Tier::Stage, Write::Confirm),
            environment("prod", "west", Tier::Prod, Write::Confirm),
            environment("audit", "east", Tier::Dev, Write::Never),
            environment("lab", "east", Tier::Prod, Write::Confirm),
        ];
        Settings { environments, ..Settings::default() }
    }

    fn chosen(settings: &Settings) -> &Environment {
        &settings.environments[settings.start_environment]
    }

    #[test]
    fn environment_is_found_by_its_name() {
        let mut settings = settings();
        settings.choose(&Choice { environment: Some("prod".into()), ..Choice::default() }).unwrap();
        assert_eq!(chosen(&settings).name, "prod");
    }

    #[test]
    fn unknown_environment_names_the_candidates() {
        let error = settings().choose(&Choice { environment: Some("prd".into()), ..Choice::default() }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "No environment is called 'prd'. Did you mean 'prod'? Configured: 'stage', 'prod', 'audit', 'lab'."
        );
    }

    #[test]
    fn context_takes_the_strictest_environment_that_has_it() {
        for (context, name) in [("west", "prod"), ("east", "audit")] {
            let mut settings = settings();
            settings.choose(&Choice { context: Some(context.into()), ..Choice::default() }).unwrap();
            assert_eq!(chosen(&settings).name, name);
        }
    }

    #[test]
    fn unknown_context_is_production() {
        let mut settings = settings();
        settings.choose(&Choice { context: Some("north".into()), ..Choice::default() }).unwrap();
        assert_eq!(settings.environments.len(), 5);
        assert_eq!(chosen(&settings).tier, Tier::Prod);
        assert_eq!(chosen(&settings).context.as_deref(), Some("north"));
    }

    #[test]
    fn unknown_context_replaces_the_current_one_where_nothing_is_configured() {
        let mut settings = Settings::default();
        settings.choose(&Choice { context: Some("north".into()), ..Choice::default() }).unwrap();
        assert_eq!(settings.environments.len(), 1);
        assert_eq!(chosen(&settings).name, "north");
    }

    #[test]
    fn an_unknown_context_is_held_to_the_policy_of_all() {
        let policy = Policy { ticket_required: true, ..Policy::default() };
        let current = Environment { policy: policy.clone(), ..Environment::current() };
        let mut settings = Settings { environments: vec![current], policy, ..Settings::default() };
        settings.choose(&Choice { context: Some("north".into()), ..Choice::default() }).unwrap();
        assert_eq!(settings.environments.len(), 1);
        assert!(chosen(&settings).policy.ticket_required);
    }

    #[test]
    fn namespaces_apply_to_the_chosen_environment_only() {
        let mut settings = settings();
        let choice = Choice { environment: Some("prod".into()), namespace: Some("pay".into()), ..Choice::default() };
        settings.choose(&choice).unwrap();
        assert_eq!(chosen(&settings).namespaces, Namespaces::Some(vec!["pay".into()]));
        assert_eq!(settings.environments[0].namespaces, Namespaces::Some(vec!["shop".into()]));
        settings.choose(&Choice { all_namespaces: true, readonly: true, ..Choice::default() }).unwrap();
        assert_eq!(chosen(&settings).namespaces, Namespaces::All);
        assert!(settings.readonly);
    }
}
