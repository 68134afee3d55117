//! Options that several commands share.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::event::EventArgs;
use super::exit::{CommandError, Result};
use crate::source::{Document, Source};
use crate::value::Defaults;

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

/// Time zone and country, where a value says nothing.
#[derive(clap::Args)]
pub struct DefaultArgs {
    /// Time zone of dates that have none of their own
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    timezone: String,
    /// Country of phone numbers that have no country code
    #[arg(long, default_value = "US", value_name = "COUNTRY")]
    country: String,
}

impl DefaultArgs {
    pub fn read(&self) -> Result<Arc<Defaults>> {
        Defaults::new(&self.timezone, &self.country)
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
    pub fn read(&self) -> Result<Map<String, Value>> {
        let mut settings = Map::new();
        if let Some(path) = &self.settings {
            let wrong = |why: String| {
                CommandError::usage(
                    format!("the settings file {} cannot be used: {why}", path.display()),
                    "name a file with one `setting: value` on each line",
                )
            };
            let source = Source::read(path).map_err(|e| wrong(e.to_string()))?;
            let document = Document::parse(&source).map_err(|e| {
                wrong(format!("line {} is not YAML", source.position(e.span.start).line))
            })?;
            match document.value() {
                Value::Object(map) => settings.extend(map.clone()),
                _ => return Err(wrong("it holds no settings".into())),
            }
        }
        for pair in &self.set {
            let Some((name, value)) = pair.split_once('=') else {
                return Err(CommandError::usage(
                    format!("`{pair}` is not NAME=VALUE"),
                    "write it like --set days=3",
                ));
            };
            // What is not YAML is simply the text that was typed.
            let parsed = Document::parse(&Source::new("--set", value));
            let value = parsed.map_or_else(|_| Value::from(value), |d| d.value().clone());
            settings.insert(name.trim().to_owned(), value);
        }
        Ok(settings)
    }
}

/// Whether to colour: standard output is a terminal and nobody asked for plain text.
pub fn colour() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}
