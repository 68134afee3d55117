//! Where the calls of a run go: the sandbox, a server that is named, or the real accounts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::credentials::{ProjectCredentials, how_to_connect};
use super::environment;
use super::exit::{CommandError, Result};
use super::live::LiveProject;
use super::live_links::ProjectLinks;
use super::options::RecipeArgs;
use super::prepare::Prepared;
use crate::catalog::{App, Catalog};
use crate::connection::{Connection, Secret, server_address};
use crate::execute::{Care, TriggerEvent};
use crate::http::Guard;
use crate::plan::{self, Accounts, Plan};
use crate::project::token_variable;
use crate::recipe::Given;
use crate::sandbox::{Sandbox, World};

/// Where the calls of an app go, and with which token.
#[derive(clap::Args)]
pub struct TargetArgs {
    /// Send an app's calls to another server
    #[arg(long = "base-url", value_name = "APP=URL")]
    pub base_url: Vec<String>,
    /// A file with the token for an app; else the variable LINECOOK_<APP>_TOKEN
    #[arg(long = "token-file", value_name = "APP=FILE")]
    pub token_file: Vec<String>,
    /// Which connection of linecook.yaml to use for an app, where there are several
    #[arg(long = "connection", value_name = "APP=NAME")]
    pub connection: Vec<String>,
}

/// Where the calls go.
pub struct Target {
    pub accounts: Accounts,
    pub credentials: Arc<ProjectCredentials>,
    /// App → connection.
    pub connections: BTreeMap<String, String>,
    pub guard: Guard,
    /// Those of the project whose accounts are reached; none where all is made up.
    pub links: Option<ProjectLinks>,
    /// All calls go to the sandbox: time may jump.
    pub is_sandbox: bool,
    /// What holds for steps that do not say it themselves.
    pub care: Care,
    /// For people.
    pub words: String,
    /// Lives as long as the run.
    pub sandbox: Option<Sandbox>,
}

impl Target {
    /// Where a run's calls go, and with which tokens.
    pub async fn new(
        recipe: &RecipeArgs,
        args: &TargetArgs,
        is_live: bool,
        prepared: &Prepared,
    ) -> Result<Target> {
        let catalog = Catalog::embedded();
        let elsewhere = pairs(&args.base_url, "--base-url")?;
        let token_files = pairs(&args.token_file, "--token-file")?;
        let chosen = pairs(&args.connection, "--connection")?;
        for app in elsewhere.keys().chain(token_files.keys()).chain(chosen.keys()) {
            if catalog.app(app).is_none_or(|a| a.base_url.is_none()) {
                return Err(CommandError::usage(
                    format!("there is no app `{app}` to call"),
                    "name highlevel or stax",
                ));
            }
        }
        let mut accounts = Accounts::of_catalog(catalog, World::location_id());
        let mut given = BTreeMap::new();
        let mut connections = BTreeMap::new();
        let mut guarded = BTreeMap::new();
        let sandbox = match is_live {
            true => None,
            false => Some(start_sandbox(prepared).await?),
        };
        // The accounts of a project are the real ones.
        let live = match is_live {
            true => LiveProject::of(&recipe.recipe, chosen)?,
            false => LiveProject::none(),
        };
        for app in catalog.apps().iter().filter(|a| a.base_url.is_some()) {
            let name = app.app.as_str();
            let real = is_live || elsewhere.contains_key(name);
            let connection =
                accounts.get_mut(name).expect("every app that can be called has a connection");
            // No connection of a project has such a name.
            let mut called = format!("{name}:");
            if let Some(url) = elsewhere.get(name) {
                connection.base_url = base_url(url, app, is_live)?;
            } else if let Some(sandbox) = &sandbox {
                connection.base_url = sandbox.base_url(name);
            }
            if !real {
                given.insert(called.clone(), Secret::new(World::token(name)));
                // The sandbox looks after itself, and shows what it refuses.
                let open = Connection { location_id: None, ..connection.clone() };
                guarded.insert(called.clone(), open);
                connections.insert(name.to_owned(), called);
                continue;
            }
            let of_project = match elsewhere.contains_key(name) || !uses(prepared, name) {
                // What the vault holds goes to the servers that the project names.
                true => None,
                false => live.connection(app, token_files.contains_key(name))?,
            };
            if let Some((own, named)) = &of_project {
                called.clone_from(own);
                connection.base_url.clone_from(&named.base_url);
                connection.access.clone_from(&named.access);
            }
            let location_id = of_project.as_ref().and_then(|(_, named)| named.location_id.clone());
            set_location(recipe, prepared, connection, location_id, app.location.is_some())?;
            match token(name, &called, token_files.get(name))? {
                Some(secret) => {
                    given.insert(called.clone(), secret);
                }
                None if of_project.as_ref().is_some_and(|(own, _)| live.keeps(own)) => {}
                None if uses(prepared, name) => {
                    return Err(CommandError::usage(
                        format!("there is no token for {}", app.title),
                        match &of_project {
                            Some((own, _)) => how_to_connect(own, name),
                            None => format!(
                                "set {}, or name a file with --token-file {name}=FILE",
                                token_variable(name)
                            ),
                        },
                    ));
                }
                None => {}
            }
            guarded.insert(called.clone(), connection.clone());
            connections.insert(name.to_owned(), called);
        }
        let words = match (is_live, elsewhere.is_empty()) {
            (true, true) => "LIVE: the real accounts".to_owned(),
            (true, false) => "LIVE: the real accounts, and the servers named".to_owned(),
            (false, true) => "in the sandbox".to_owned(),
            (false, false) => "against the servers named; all else in the sandbox".to_owned(),
        };
        let is_sandbox = !is_live && elsewhere.is_empty();
        let links = live.links(&connections, elsewhere.keys());
        let credentials = Arc::new(live.credentials(given));
        let guard = Guard::new(guarded);
        let care = live.care();
        Ok(Target {
            accounts,
            credentials,
            connections,
            guard,
            links,
            is_sandbox,
            care,
            words,
            sandbox,
        })
    }
}

impl Target {
    /// The plan and the settings with the ids of the accounts that are reached. The sandbox takes any.
    pub fn plan<'a>(&self, prepared: &'a Prepared) -> Result<(Cow<'a, Plan>, Map<String, Value>)> {
        if self.is_sandbox {
            return Ok((Cow::Borrowed(&prepared.plan), prepared.settings.clone()));
        }
        let one = |(app, name): (&String, &String)| (app.clone(), [name.clone()].into());
        let chosen = self.connections.iter().filter(|(_, name)| !name.ends_with(':'));
        let snapshots = prepared.snapshots.chosen(&chosen.map(one).collect());
        for app in plan::named_apps(&prepared.plan) {
            if snapshots.first(&app).is_none() {
                let title = Catalog::embedded().app(&app).map_or(app.as_str(), |a| &a.title);
                return Err(CommandError::usage(
                    format!("nobody has looked yet which names the account of {title} knows"),
                    "run `linecook pull` in the project; the ids of examples are made up",
                ));
            }
        }
        let settings = prepared.settings_for(&snapshots)?;
        Ok(match plan::for_accounts(&prepared.plan, &snapshots) {
            Some(plan) => (Cow::Owned(plan), settings),
            None => (Cow::Borrowed(&prepared.plan), settings),
        })
    }
}

async fn start_sandbox(prepared: &Prepared) -> Result<Sandbox> {
    let mut world = World::new(Catalog::embedded());
    world.set_now(prepared.now);
    let given = prepared.example.as_ref().and_then(|e| e.given.as_ref());
    furnish(&mut world, given, &prepared.event);
    Sandbox::start(world).await.map_err(|e| {
        CommandError::environment(
            format!("the sandbox cannot listen on this machine: {e}"),
            "allow the program to listen on 127.0.0.1",
        )
    })
}

/// Puts into the sandbox what is already there: the records of an example, and the one that the event
/// speaks of.
pub fn furnish(world: &mut World, given: Option<&Given>, event: &TriggerEvent) {
    for (kind, records) in given.iter().flat_map(|g| &g.records) {
        world.add_records(kind, records);
    }
    given.iter().flat_map(|g| &g.failures).for_each(|failure| world.add_failure(failure));
    let own = event.event.record_of(&event.payload);
    let about = event.event.about_record_of(&event.payload);
    for (record, is_own) in own.map(|r| (r, true)).into_iter().chain(about.map(|r| (r, false))) {
        let has_id = |r: &Map<String, Value>| r.get("id").is_some_and(|id| *id == record.id);
        let there = world.records(&record.kind).iter().any(|r| has_id(r));
        if there || event.event.id.ends_with("_deleted") {
            continue;
        }
        // Where the event holds the other record too, it is there as it says.
        let kind = record.kind.rsplit('.').next().unwrap_or_default();
        let held = event.payload.get(kind).and_then(Value::as_object).filter(|held| has_id(held));
        let mut fields = match is_own {
            true => event.payload.clone(),
            false => held.cloned().unwrap_or_default(),
        };
        fields.insert("id".into(), record.id.into());
        world.add_records(&record.kind, &[fields]);
    }
}

fn set_location(
    recipe: &RecipeArgs,
    prepared: &Prepared,
    connection: &mut Connection,
    of_project: Option<String>,
    has_locations: bool,
) -> Result<()> {
    if !has_locations {
        return Ok(());
    }
    connection.location_id = recipe.location.clone().or(of_project);
    if connection.location_id.is_none() && uses(prepared, &connection.app) {
        return Err(CommandError::usage(
            "the id of the HighLevel account is not known",
            "name it with --location, or in LINECOOK_HIGHLEVEL_LOCATION",
        ));
    }
    Ok(())
}

/// Whether a recipe calls an app at all.
fn uses(prepared: &Prepared, app: &str) -> bool {
    prepared.plan.recipe.apps().contains(app)
}

/// The address of another server. The real one needs `--live`, and a token never travels in the clear.
fn base_url(url: &str, app: &App, live: bool) -> Result<String> {
    let host = |text: &str| url::Url::parse(text).ok()?.host_str().map(str::to_owned);
    if !live && app.base_url.as_deref().and_then(host) == host(url) {
        return Err(CommandError::usage(
            format!("`{url}` is the real {}", app.title),
            "say so with --live: it changes real data",
        ));
    }
    server_address(url)
        .map_err(|e| CommandError::usage(format!("`{url}` {}", e.problem), e.instead))
}

fn token(app: &str, connection: &str, file: Option<&String>) -> Result<Option<Secret>> {
    let Some(file) = file else {
        return Ok(environment::token(connection, app).map(|(_, token)| token));
    };
    let text = std::fs::read_to_string(file).map_err(|e| {
        CommandError::usage(
            format!("the token file {file} cannot be read: {e}"),
            "name a file with the token and nothing else",
        )
    })?;
    let text = text.trim();
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err(CommandError::usage(
            format!("the token file {file} does not hold a token"),
            "put the token into it and nothing else",
        ));
    }
    Ok(Some(Secret::new(text)))
}

/// APP=VALUE, as several options write it.
pub fn pairs(written: &[String], option: &str) -> Result<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    for pair in written {
        let Some((app, value)) = pair.split_once('=') else {
            return Err(CommandError::usage(
                format!("`{pair}` does not say which app it is for"),
                format!("write it like {option} highlevel=…"),
            ));
        };
        pairs.insert(app.trim().to_owned(), value.trim().to_owned());
    }
    Ok(pairs)
}
