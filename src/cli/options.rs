//! Options that several commands share.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::event::EventArgs;
use super::exit::{CommandError, Result};
use crate::diagnostic::{self, FileKind};
use crate::source::{Document, Route, Source};
use crate::value::Defaults;

/// How to print what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// A recipe, and everything it is tried with.
#[derive(clap::Args)]
pub struct RecipeArgs {
    /// The recipe
    pub recipe: PathBuf,
    #[command(flatten)]
    pub event: EventArgs,
    #[command(flatten)]
    pub settings: SettingArgs,
    #[command(flatten)]
    pub defaults: DefaultArgs,
    /// The id of the account in HighLevel
    #[arg(long, value_name = "ID", env = "LINECOOK_HIGHLEVEL_LOCATION")]
    pub location: Option<String>,
}

const ZONE_HELP: &str =
    "Time zone of dates that have none of their own [default: that of linecook.yaml, else UTC]";
const COUNTRY_HELP: &str =
    "Country of phone numbers that have no country code [default: that of linecook.yaml, else US]";

/// Time zone and country, where a value says nothing.
#[derive(clap::Args)]
pub struct DefaultArgs {
    #[arg(long, value_name = "ZONE", help = ZONE_HELP)]
    timezone: Option<String>,
    #[arg(long, value_name = "COUNTRY", help = COUNTRY_HELP)]
    country: Option<String>,
}

impl DefaultArgs {
    /// What the options say, else what the project says.
    pub fn read(&self, project: &Defaults) -> Result<Arc<Defaults>> {
        let timezone = self.timezone.as_deref().unwrap_or(&project.zone_name);
        let country = self.country.as_deref().unwrap_or(&project.country);
        Defaults::new(timezone, country)
            .map(Arc::new)
            .map_err(|e| CommandError::usage(&e.problem, &e.instead))
    }
}

/// What the person who installs a recipe fills in.
#[derive(clap::Args)]
pub struct SettingArgs {
    /// A YAML or JSON file with settings
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// One setting; the value is read as YAML
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
}

impl SettingArgs {
    /// Each setting as a value and as it is written.
    pub fn read(&self) -> Result<Vec<(String, (Value, String))>> {
        let mut settings = Vec::new();
        if let Some(path) = &self.settings {
            let wrong = |why: &str| {
                CommandError::usage(
                    format!("the settings file {} cannot be used: {why}", path.display()),
                    "name a file with one `setting: value` on each line",
                )
            };
            let source = Source::read(path).map_err(|e| wrong(&e.to_string()))?;
            let document = Document::parse(&source).map_err(|e| {
                let line = source.position(e.span.start).line;
                wrong(&format!(
                    "line {line}: {}",
                    diagnostic::syntax(&source, &e, FileKind::Recipe).message
                ))
            })?;
            let Value::Object(map) = document.value() else {
                return Err(wrong("it holds no settings"));
            };
            for (name, value) in map {
                let span = document.value_span(&Route::root().key(name));
                let written = value.as_str().unwrap_or_else(|| source.slice(&span).trim());
                settings.push((name.clone(), (value.clone(), written.to_owned())));
            }
        }
        for pair in &self.set {
            let (name, value) = name_and_value(pair, "--set days=3")?;
            settings.push((name.to_owned(), read_value(value)));
        }
        Ok(settings)
    }
}

/// The two sides of NAME=VALUE.
pub fn name_and_value<'a>(pair: &'a str, like: &str) -> Result<(&'a str, &'a str)> {
    match pair.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim(), value)),
        _ => Err(CommandError::usage(
            format!("`{pair}` is not NAME=VALUE"),
            format!("write it like {like}"),
        )),
    }
}

/// A value that is read as YAML, and as it is written. What is not YAML is simply the text that was typed.
pub fn read_value(value: &str) -> (Value, String) {
    let parsed = Document::parse(&Source::new("--set", value));
    let parsed = parsed.map_or_else(|_| Value::from(value), |d| d.value().clone());
    let written = parsed.as_str().unwrap_or(value).to_owned();
    (parsed, written)
}

/// How wide the terminal is, where it says so.
pub fn width() -> Option<u16> {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok())
}

/// Whether to colour: standard output is a terminal and nobody asked for plain text.
pub fn colour() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}
