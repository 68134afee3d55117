//! The project's webhooks, the addresses that they have here, and what the apps say of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::compare::{Comparison, Here, compare};
use super::needed::{Needed, needed};
use crate::catalog::{Catalog, Registration};
use crate::cli::credentials::ProjectCredentials;
use crate::cli::exit::{CommandError, Result};
use crate::cli::project::ReadyProject;
use crate::cli::serve::limits;
use crate::cli::store::vault_of;
use crate::connection::{Connection, Credentials, Redactor};
use crate::http::HttpCaller;
use crate::server::{Gates, Registrar, RegistrarError, Retries, Way, hook_names, hook_secrets};
use crate::store::{Options, Store, StoreErrorKind};
use crate::vault::{Contents, HookSecret};

/// The webhooks of a project.
pub struct Source<'a> {
    pub ready: &'a ReadyProject,
    pub needed: Vec<Needed>,
    pub store: Store,
    contents: Contents,
    gates: Gates,
    credentials: Arc<ProjectCredentials>,
    /// Knows all addresses.
    redactor: Redactor,
    partner: bool,
}

/// One connection of an app that registers webhooks, and what it says.
pub struct Asked<'a> {
    pub connection: String,
    pub title: &'static str,
    pub needed: Vec<&'a Needed>,
    pub registrar: Registrar<'static>,
    pub answer: std::result::Result<Comparison, RegistrarError>,
}

impl<'a> Source<'a> {
    pub async fn open(ready: &'a ReadyProject, partner: bool) -> Result<Source<'a>> {
        let store = match Store::open(&ready.store, Options::default()) {
            Err(error) if error.kind == StoreErrorKind::Taken => {
                Store::beside(&ready.store, Options::default())?
            }
            other => other?,
        };
        let vault = vault_of(&ready.store);
        let names = hook_names(ready.project.connections.keys().cloned());
        let secrets = hook_secrets(&vault, &store, names).await;
        secrets.map_err(|e| CommandError::environment(&e.message, &e.help))?;
        let contents = tokio::task::spawn_blocking(move || vault.read()).await;
        let contents = contents.expect("reading a file does not panic")?;
        let secrets = contents.hooks.values().flatten().map(|hook| &hook.secret);
        Ok(Source {
            ready,
            needed: needed(ready),
            redactor: Redactor::knowing(secrets),
            store,
            contents,
            gates: Gates::default(),
            credentials: Arc::new(ProjectCredentials::as_they_are(ready)),
            partner,
        })
    }

    /// The secrets of a connection's addresses, the newest first.
    pub fn secrets(&self, connection: &str) -> &[HookSecret] {
        self.contents.hooks.get(connection).map_or(&[], Vec::as_slice)
    }

    /// Where an event has to be posted to, under an address that leads here.
    pub fn address(&self, base: &str, needed: &Needed) -> String {
        let (connection, segment) = (&needed.connection, &needed.segment);
        let secret = self.secrets(connection).first().map_or("", |hook| hook.secret.expose());
        format!("{base}/hooks/{connection}/{secret}/{segment}")
    }

    /// Why an event cannot be registered, and what to do.
    pub fn not_sent(&self) -> &'static str {
        match self.partner {
            true => "not sent to partners; the API key of a merchant gets it, without --partner",
            false => "sent to partners only; with the API key of one: --partner",
        }
    }

    /// How often an app is to send a webhook again.
    pub fn retries(&self, app: &str) -> Retries {
        let settings = self.ready.project.webhooks.get(app);
        settings.map_or_else(Retries::default, |settings| Retries {
            count: settings.retries,
            every: settings.retry_every,
            code: settings.retry_code,
        })
    }

    /// Connections of apps that register webhooks, also those that nobody needs anything of: something
    /// may be left there.
    pub fn connections(&self, only: Option<&str>) -> Vec<String> {
        let registers = |name: &str| {
            let connection = self.ready.project.connections.get(name)?;
            let app = Catalog::embedded().app(&connection.app)?;
            (!app.webhooks.registered.is_empty()).then_some(())
        };
        let names: BTreeSet<&String> = self.ready.project.connections.keys().collect();
        let names = names.into_iter().filter(|name| only.is_none_or(|only| only == *name));
        names.filter(|name| registers(name).is_some()).cloned().collect()
    }

    /// Asks the app of a connection.
    pub async fn ask(&self, connection: &str, public_url: &str) -> Result<Asked<'_>> {
        let account = self.account(connection);
        let app = Catalog::embedded().app(&account.app).expect("a checked project knows its apps");
        let way = self.way(connection, &account).await?;
        let registrar = Registrar::new(
            way,
            connection,
            account,
            self.registration(app)?,
            self.redactor.clone(),
        );
        let registrar = registrar.expect("the app is known");
        let needed: Vec<&Needed> =
            self.needed.iter().filter(|n| n.connection == connection).collect();
        let answer = registrar.all().await.map(|found| {
            let here = Here {
                public_url,
                connection,
                secrets: self.secrets(connection),
                name_now: &|name| self.contents.name_now(name).to_owned(),
                is_other: &|name| self.ready.project.connections.contains_key(name),
                now: Timestamp::now(),
            };
            compare(&needed, found, &here, registrar.events().as_deref())
        });
        Ok(Asked {
            connection: connection.to_owned(),
            title: &app.title,
            needed,
            registrar,
            answer,
        })
    }

    fn registration(&self, app: &'static crate::catalog::App) -> Result<&'static Registration> {
        let levels = &app.webhooks.registered;
        let level = match self.partner {
            true => levels.get("partner"),
            false => levels.values().next(),
        };
        level.ok_or_else(|| {
            CommandError::usage(
                format!("{} has no webhooks of partners", app.title),
                "leave out --partner",
            )
        })
    }

    fn account(&self, connection: &str) -> Connection {
        let named = &self.ready.project.connections[connection];
        named.to_call().expect("an app that registers webhooks can be called")
    }

    async fn way(&self, connection: &str, account: &Connection) -> Result<Way> {
        let project = &self.ready.project;
        let known = BTreeMap::from([(connection.to_owned(), account.clone())]);
        self.gates.open(&self.store, &known, |name| limits(project, name)).await?;
        // It shows the addresses that the app knows, unlike every other way out.
        let caller = HttpCaller::new(project.request_timeout, self.credentials.clone());
        let caller = caller.map_err(|e| {
            CommandError::environment(format!("no calls can be made: {e}"), "check the network")
        })?;
        let caller = caller.through(&[(account.app.clone(), connection.to_owned())].into());
        Ok(Way { store: self.store.clone(), caller, gates: self.gates.clone() })
    }

    /// Comes back when what was learnt about the credentials meanwhile is kept.
    pub async fn settled(&self) {
        self.credentials.settled().await;
    }

    /// Notes which events are registered, so that others can say what is missing without asking.
    pub async fn note(&self, connection: &str, events: BTreeSet<String>) -> Result<()> {
        let public_url = self.ready.project.public_url.as_deref();
        let noted = json!({ "public_url": public_url, "events": events });
        let position = position(connection, self.partner);
        Ok(self.store.set_position(&position, &noted.to_string()).await?)
    }
}

/// What was registered for a connection when somebody looked last: the address that led here, and the
/// events. None when nobody has.
pub async fn noted(store: &Store, connection: &str) -> Option<(Option<String>, BTreeSet<String>)> {
    let mut found: Option<(Option<String>, BTreeSet<String>)> = None;
    for partner in [false, true] {
        let text = store.position(&position(connection, partner)).await.ok()?;
        let Some(text) = text else { continue };
        let noted: Value = serde_json::from_str(&text).ok()?;
        let events = noted["events"].as_array()?.iter();
        let events = events.filter_map(|event| event.as_str().map(str::to_owned));
        let found = found.get_or_insert_default();
        found.0 = noted["public_url"].as_str().map(str::to_owned);
        found.1.extend(events);
    }
    found
}

fn position(connection: &str, partner: bool) -> String {
    let level = if partner { ", as a partner" } else { "" };
    format!("webhooks registered for {connection}{level}")
}
