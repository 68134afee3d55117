//! `linecook webhooks`: which address belongs to which event.

use serde_json::json;

use super::exit::{CommandError, Exit, Result};
use super::options::Format;
use super::prepare::runtime;
use super::print;
use super::project::{ReadyProject, load_project};
use super::serve::good;
use super::store::vault_of;
use crate::catalog::{Catalog, EventType};
use crate::check::TriggerKind;
use crate::project::PROJECT_FILE;
use crate::server::{hook_names, hook_secrets};
use crate::store::{Options, Store, StoreErrorKind};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Show the address that each app or tool has to post to. The addresses are secret: whoever knows one
    /// can start recipes
    List {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// Where one event arrives.
struct Hook {
    recipe: String,
    event: String,
    connection: String,
    /// What has to be posted there.
    address: String,
    /// The second door, for an app that signs what it sends.
    signed: Option<String>,
}

pub fn run(args: &Args) -> Result {
    let Verb::List { format } = args.verb;
    let path = std::path::Path::new(PROJECT_FILE);
    if !path.exists() {
        return Err(CommandError::usage(
            format!("there is no {PROJECT_FILE} here"),
            "go to the folder of your project, or start one with `linecook init`",
        ));
    }
    let Some(ready) = good(load_project(path)) else { return Ok(Exit::Problems) };
    let store = match Store::open(&ready.store, Options::default()) {
        Err(error) if error.kind == StoreErrorKind::Taken => {
            Store::beside(&ready.store, Options::default())?
        }
        other => other?,
    };
    let hooks = runtime()?.block_on(hooks(&ready, &store))?;
    match format {
        Format::Json => print::line(json!({
            "format_version": 1,
            "webhooks": hooks.iter().map(|h| json!({
                "recipe": h.recipe, "event": h.event, "connection": h.connection,
                "address": h.address, "signed_address": h.signed,
            })).collect::<Vec<_>>(),
        })),
        Format::Text if hooks.is_empty() => {
            print::line("No recipe of this project is started by webhooks.");
        }
        Format::Text => {
            for hook in &hooks {
                print::line(format_args!("{} starts {}", hook.event, hook.recipe));
                print::line(format_args!("  post to  {}", hook.address));
                if let Some(signed) = &hook.signed {
                    print::line(format_args!("  or, with a marketplace app, to  {signed}"));
                }
            }
            print::talk("These addresses are secret: whoever knows one can start recipes.");
            if ready.project.public_url.is_none() {
                print::talk(
                    "`public_url` is not set, so they lead to this machine only: add it to linecook.yaml.",
                );
            }
        }
    }
    Ok(Exit::Good)
}

async fn hooks(ready: &ReadyProject, store: &Store) -> Result<Vec<Hook>> {
    let listen = format!("http://{}", ready.project.listen);
    let base = ready.project.public_url.as_deref().unwrap_or(&listen);
    let names = hook_names(ready.project.connections.keys().cloned());
    let secrets = hook_secrets(&vault_of(&ready.store), store, names).await;
    let secrets = secrets.map_err(|e| CommandError::environment(&e.message, &e.help))?;
    let mut hooks = Vec::new();
    for installation in ready.installations.iter().filter(|i| i.enabled) {
        let trigger = &installation.plan.recipe.trigger;
        if !matches!(trigger.kind, TriggerKind::Webhook) {
            continue;
        }
        for event in &trigger.events {
            let Some(app) = Catalog::embedded().app(&event.app).filter(|app| !app.own) else {
                continue;
            };
            for connection in connections(ready, installation, event) {
                let secret = secrets[&connection][0].secret.expose();
                hooks.push(Hook {
                    recipe: installation.name.clone(),
                    event: event.name(),
                    address: format!("{base}/hooks/{connection}/{secret}/{}", event.id),
                    signed: app.signature.as_ref().map(|_| format!("{base}/hooks/app/{}", app.app)),
                    connection,
                });
            }
        }
    }
    Ok(hooks)
}

/// The connections through which an event comes: the one that is chosen, all of its app, or for an app
/// without connections the app itself.
fn connections(
    ready: &ReadyProject,
    installation: &super::project::Installation,
    event: &EventType,
) -> Vec<String> {
    if let Some(chosen) = installation.connections.get(&event.app) {
        return vec![chosen.clone()];
    }
    let of_app = ready.project.connections.iter().filter(|(_, c)| c.app == event.app);
    let names: Vec<String> = of_app.map(|(name, _)| name.clone()).collect();
    match names.is_empty() {
        true => vec![event.app.clone()],
        false => names,
    }
}
