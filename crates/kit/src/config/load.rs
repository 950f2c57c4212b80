//! Where values come from, and what is wrong with them.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use figment::{
    Figment, Profile, Provider,
    error::Kind,
    providers::{Format as _, Serialized, Toml},
    value::{Dict, Map, Value},
};
use serde::{Serialize, de::DeserializeOwned};

use super::Base;

const PREFIX: &str = "HOSTELPULSE_";
const FILE: &str = "hostelpulse.toml";

/// Something is wrong with the configuration: one sentence that names the key and where it was said.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// Collects the places that values come from.
pub struct Loader {
    sections: Vec<String>,
    aliases: Vec<(&'static str, &'static str)>,
    file: Option<PathBuf>,
    flags: Vec<(String, String)>,
}

/// The configuration of a process: the top level, and a section for each service that is asked for.
#[derive(Clone)]
pub struct Config {
    pub base: Base,
    pub(super) sections: Vec<String>,
    pub(super) figment: Figment,
}

impl Loader {
    /// `sections` are the tables that may stand in the file beside the top level, of this process or of others.
    pub fn new(sections: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let sections = sections.into_iter().map(Into::into).collect();
        Self {
            sections,
            aliases: Vec::new(),
            file: None,
            flags: Vec::new(),
        }
    }

    /// Defaults alone, for whoever fills in the rest by hand.
    pub fn empty(sections: impl IntoIterator<Item = impl Into<String>>) -> Config {
        Config {
            base: Base::default(),
            sections: Self::new(sections).sections,
            figment: Figment::new(),
        }
    }

    /// A short name in the environment for a longer key.
    #[must_use]
    pub fn alias(mut self, short: &'static str, key: &'static str) -> Self {
        self.aliases.push((short, key));
        self
    }

    /// Another file than `hostelpulse.toml`; unlike that one it must be there.
    #[must_use]
    pub fn file(mut self, file: Option<PathBuf>) -> Self {
        self.file = file;
        self
    }

    /// A value from the command line; `None` leaves the key to the other places.
    #[must_use]
    pub fn flag(mut self, key: &str, value: Option<impl ToString>) -> Self {
        self.flags
            .extend(value.map(|value| (key.to_owned(), value.to_string())));
        self
    }

    /// Reads file and environment of this process.
    pub fn load(self) -> Result<Config, ConfigError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the environment"
        )]
        let variables =
            env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        self.load_from(variables.collect())
    }

    fn load_from(self, variables: Vec<(String, String)>) -> Result<Config, ConfigError> {
        let mut figment = Figment::new();
        match &self.file {
            Some(file) if !file.is_file() => {
                return Err(ConfigError(format!("the file {} does not exist", file.display())));
            }
            Some(file) => figment = figment.merge(Toml::file_exact(file)),
            None if Path::new(FILE).is_file() => figment = figment.merge(Toml::file_exact(FILE)),
            None => {}
        }
        figment = figment.merge(self.environment(variables)?);
        for (key, value) in &self.flags {
            figment = figment.merge(Flag(key.clone(), value.clone()));
        }
        let base = self.base(&figment)?;
        Ok(Config {
            base,
            sections: self.sections,
            figment,
        })
    }

    fn environment(&self, variables: Vec<(String, String)>) -> Result<Environment, ConfigError> {
        let mut values = Vec::new();
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix(PREFIX) else {
                continue;
            };
            let (rest, value) = match rest.strip_suffix("_FILE") {
                Some(rest) => (rest, read_secret(&name, &value)?),
                None => (rest, value),
            };
            let key = rest.to_lowercase().replace("__", ".");
            let alias = self.aliases.iter().find(|(short, _)| *short == key);
            values.push((alias.map_or(key, |(_, key)| (*key).to_owned()), value));
        }
        Ok(Environment(values))
    }

    /// The top level is what remains when the sections are taken away.
    fn base(&self, figment: &Figment) -> Result<Base, ConfigError> {
        let mut top: Dict = figment.extract().map_err(|error| explain(&error, &[]))?;
        for section in &self.sections {
            top.remove(section);
        }
        let only_top = Figment::from(Serialized::defaults(Base::default())).merge(Serialized::defaults(top));
        only_top
            .extract()
            .map_err(|error| explain(&error, &self.sections).at_source(figment, &error))
    }
}

impl Config {
    /// Sets a value of a section, above everything else.
    pub fn set(&mut self, key: &str, value: impl Serialize) {
        self.figment = self.figment.clone().merge((key, value));
    }

    /// The section of one service; its defaults where the configuration says nothing.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        let known = self.sections.iter().any(|section| section == name);
        debug_assert!(known, "the section {name} must be given to the loader");
        let section = self.figment.extract_inner::<Dict>(name).unwrap_or_default();
        let figment = Figment::from(Serialized::defaults(section));
        let failed = |mut error: figment::Error| {
            error.path.insert(0, name.to_owned());
            explain(&error, &[]).at_source(&self.figment, &error)
        };
        figment.extract().map_err(failed)
    }
}

impl ConfigError {
    fn at_source(self, figment: &Figment, error: &figment::Error) -> Self {
        let key = match &error.kind {
            Kind::UnknownField(field, _) => key_of(error, field),
            _ => key_of(error, ""),
        };
        match super::show::source_of(figment, &key) {
            Some(source) => Self(format!("{} (said by {source})", self.0)),
            None => self,
        }
    }
}

/// One sentence for what figment found.
fn explain(error: &figment::Error, sections: &[String]) -> ConfigError {
    let key = |field: &str| key_of(error, field);
    ConfigError(match &error.kind {
        Kind::UnknownField(field, known) => {
            let known = known.iter().copied().chain(sections.iter().map(String::as_str));
            let nearest =
                known.max_by(|a, b| strsim::jaro_winkler(field, a).total_cmp(&strsim::jaro_winkler(field, b)));
            let hint = nearest.map_or_else(String::new, |nearest| format!(", did you mean \"{}\"?", key(nearest)));
            format!("unknown key \"{}\"{hint}", key(field))
        }
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("\"{}\" must be {expected}, found {found}", key(""))
        }
        Kind::Message(message) if key("").is_empty() => message.clone(),
        Kind::Message(message) => format!("\"{}\": {message}", key("")),
        other => format!("{}: {other}", key("")),
    })
}

/// The whole key of a field in the table that an error is about. For a field that it does not know, the path ends with it.
fn key_of(error: &figment::Error, field: &str) -> String {
    let mut path: Vec<&str> = error.path.iter().map(String::as_str).collect();
    if let Kind::UnknownField(unknown, _) = &error.kind
        && path.last() == Some(&unknown.as_str())
    {
        path.pop();
    }
    path.push(field);
    path.retain(|part| !part.is_empty());
    path.join(".")
}

fn read_secret(name: &str, file: &str) -> Result<String, ConfigError> {
    let text =
        fs::read_to_string(file).map_err(|error| ConfigError(format!("{name}: {file} cannot be read: {error}")))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Values of the environment, dots in the keys standing for tables.
struct Environment(Vec<(String, String)>);

impl Provider for Environment {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::named("the environment")
            .interpolater(|_, keys| format!("{PREFIX}{}", keys.join("__").to_uppercase()))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(nested(self.0.iter())))
    }
}

/// A value of the command line.
struct Flag(String, String);

impl Provider for Flag {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::named("the command line")
            .interpolater(|_, keys| format!("--{}", keys.join("-").replace('_', "-")))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(nested([&(self.0.clone(), self.1.clone())])))
    }
}

fn nested<'a>(values: impl IntoIterator<Item = &'a (String, String)>) -> Dict {
    let mut all = Dict::new();
    for (key, text) in values {
        // `true` and `30` are a boolean and a number, everything else is text; a secret of digits stays the text it is.
        let value: Value = match text.parse() {
            Ok(value) if !is_secret(key) => value,
            _ => Value::from(text.clone()),
        };
        if let Value::Dict(_, one) = figment::util::nest(key, value) {
            merge(&mut all, one);
        }
    }
    all
}

fn is_secret(key: &str) -> bool {
    ["secret", "password", "master_keys"]
        .iter()
        .any(|word| key.contains(word))
}

fn merge(all: &mut Dict, one: Dict) {
    for (key, value) in one {
        match (all.get_mut(&key), value) {
            (Some(Value::Dict(_, inside)), Value::Dict(_, more)) => merge(inside, more),
            (_, value) => {
                all.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let loader = Loader::new(["auth", "limits"]).alias("admin_email", "auth.admin_email");
        loader.load_from(variables).map_err(|error| error.to_string())
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Limits {
        enabled: bool,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Auth {
        admin_email: String,
    }

    #[test]
    fn the_environment_reaches_into_sections() {
        let config = load(&[
            ("HOSTELPULSE_LIMITS__ENABLED", "true"),
            ("HOSTELPULSE_TIMEZONE", "Europe/Berlin"),
        ])
        .unwrap();
        assert_eq!(config.base.timezone, chrono_tz::Europe::Berlin);
        assert!(config.section::<Limits>("limits").unwrap().enabled);
    }

    #[test]
    fn a_short_name_stands_for_a_longer_key() {
        let config = load(&[("HOSTELPULSE_ADMIN_EMAIL", "a@b.example")]).unwrap();
        assert_eq!(config.section::<Auth>("auth").unwrap().admin_email, "a@b.example");
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_one_and_its_source() {
        let error = load(&[("HOSTELPULSE_DATABSE_URL", "x")]).err().unwrap();
        assert_eq!(
            error,
            "unknown key \"databse_url\", did you mean \"database_url\"? (said by HOSTELPULSE_DATABSE_URL)"
        );
        let config = load(&[("HOSTELPULSE_LIMITS__ENABELD", "true")]).unwrap();
        let error = config.section::<Limits>("limits").unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown key \"limits.enabeld\", did you mean \"limits.enabled\"? (said by HOSTELPULSE_LIMITS__ENABELD)"
        );
    }

    #[test]
    fn a_wrong_type_names_the_key() {
        let error = load(&[("HOSTELPULSE_DATABASE_CONNECTIONS", "many")]).err().unwrap();
        assert!(error.contains("\"database_connections\""), "{error}");
        let error = load(&[("HOSTELPULSE_LISTEN", "nowhere")]).err().unwrap();
        assert!(error.contains("\"listen\""), "{error}");
    }

    #[test]
    fn a_secret_can_come_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "0123456789\n").unwrap();
        let config = load(&[("HOSTELPULSE_SERVICE_SECRET_FILE", file.path().to_str().unwrap())]).unwrap();
        assert_eq!(config.base.service_secret.unwrap().expose(), "0123456789");
        let error = load(&[("HOSTELPULSE_SERVICE_SECRET_FILE", "/nowhere")]).err().unwrap();
        assert!(
            error.starts_with("HOSTELPULSE_SERVICE_SECRET_FILE: /nowhere cannot be read"),
            "{error}"
        );
    }
}
