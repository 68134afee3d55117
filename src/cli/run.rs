//! `linecook run`: a recipe, step by step, against the built-in sandbox or a server that is named.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::clock::SystemClock;
use super::exit::{CommandError, Exit, Result};
use super::load::load;
use super::options::{RecipeArgs, colour};
use super::print;
use crate::catalog::{App, Catalog};
use crate::connection::{Connection, Secret};
use crate::diagnostic::Severity;
use crate::execute::{self, LocalEngine, Setup, TriggerEvent, drive};
use crate::http::HttpCaller;
use crate::journal::Outcome;
use crate::plan::{self, Accounts, Plan};
use crate::recipe::{Example, Given, RecipeFile};
use crate::report::{run_ending, run_json, run_line};
use crate::sandbox::{Sandbox, World};
use crate::value::Kind;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    recipe: RecipeArgs,
    /// Send an app's calls to another server instead of the sandbox
    #[arg(long = "base-url", value_name = "APP=URL")]
    base_url: Vec<String>,
    /// A file with the token for an app; else the variable LINECOOK_<APP>_TOKEN
    #[arg(long = "token-file", value_name = "APP=FILE")]
    token_file: Vec<String>,
    /// Reach the real accounts: this changes real data
    #[arg(long)]
    live: bool,
    /// How long to go on when calls have to be tried again
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
    /// How long to wait for one answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// A recipe that is ready to run, with its event.
pub struct Prepared {
    pub plan: Plan,
    pub file: RecipeFile,
    pub event: TriggerEvent,
    /// Where the event came from, in words.
    pub from: String,
    pub now: Timestamp,
    pub settings: Map<String, Value>,
}

/// Loads, checks and completes a recipe. `None` when it has errors, which have been printed then.
pub fn prepare(args: &RecipeArgs) -> Result<Option<Prepared>> {
    let loaded = load(&args.recipe);
    let (Some(checked), Some(file)) = (loaded.checked, loaded.file) else {
        let mut diagnostics = loaded.diagnostics;
        diagnostics.found.retain(|d| d.severity == Severity::Error);
        print::talk(format_args!("{}\n", diagnostics.text(colour()).trim_end()));
        print::talk(format_args!("The recipe has errors: nothing was run."));
        return Ok(None);
    };
    let plan = plan::recipe(checked);
    let chosen = args.event.choose(&args.recipe, &file, &plan)?;
    let mut given = chosen.example.map(|e| e.settings.clone()).unwrap_or_default();
    for (name, (value, written)) in args.settings.read()? {
        let is_text = plan.recipe.settings.get(&name).is_some_and(|s| s.field.kind == Kind::String);
        // What is given for a text is its text: 12345, yes, 1.10.
        given.insert(name, if is_text && !value.is_null() { written.into() } else { value });
    }
    let settings = execute::settings(&plan, &given).map_err(|errors| {
        let lines: Vec<String> = errors
            .iter()
            .map(|e| format!("`{}` {}; {}", e.name, e.error.problem, e.error.instead))
            .collect();
        CommandError::usage(
            format!("the settings do not fit the recipe\n  {}", lines.join("\n  ")),
            "correct them with --set name=value, or in the file of --settings",
        )
    })?;
    let (event, from, now) = (chosen.event, chosen.from, chosen.now);
    Ok(Some(Prepared { plan, event, from, now, settings, file }))
}

/// The runtime that commands run on.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(
        |e| {
            CommandError::environment(
                format!("the program cannot start its threads: {e}"),
                "close other programs",
            )
        },
    )
}

pub fn run(args: &Args) -> Result {
    let Some(prepared) = prepare(&args.recipe)? else {
        return Ok(Exit::Problems);
    };
    let defaults = args.recipe.defaults.read()?;
    let example = chosen_example(&prepared, args);
    runtime()?.block_on(async {
        let target = Target::new(args, &prepared, example.as_ref()).await?;
        let setup = Setup {
            catalog: Catalog::embedded(),
            run_id: format!("run-{:x}", Timestamp::now().as_nanosecond()),
            settings: prepared.settings.clone(),
            accounts: target.accounts,
            defaults,
        };
        let caller = HttpCaller::new(Duration::from_secs(args.timeout.max(1)), target.tokens)
            .map_err(|e| {
                CommandError::environment(format!("no calls can be made: {e}"), "check the network")
            })?;
        let text = args.format == Format::Text;
        if text {
            print::line(&prepared.plan.recipe.name);
            print::line(format_args!(
                "event {} from {}, {}",
                prepared.event.event.name(),
                prepared.from,
                target.words
            ));
        }
        let mut pending = None;
        let watch = move |entry: &_| {
            if let Some(line) = run_line(entry, &mut pending).filter(|_| text) {
                print::line(line);
            }
        };
        let patience = Duration::from_secs(args.patience);
        let mut engine = LocalEngine::new(caller, SystemClock, patience, watch);
        let outcome = drive(&prepared.plan, &prepared.event, &setup, &mut engine).await;
        let history = engine.into_history();
        match args.format {
            Format::Text => {
                print::line(run_ending(&outcome, &history, &prepared.file, colour()));
            }
            Format::Json => print::line(run_json(&outcome, &history)),
        }
        Ok(match outcome {
            Outcome::Done | Outcome::Stopped { .. } => Exit::Good,
            Outcome::Held { .. } | Outcome::Failed(_) => Exit::Problems,
        })
    })
}

/// The example whose records should be there already.
fn chosen_example(prepared: &Prepared, args: &Args) -> Option<Example> {
    let examples = &prepared.file.recipe.examples;
    match (&args.recipe.event.example, &args.recipe.event.event) {
        (Some(wanted), _) => {
            let by_number =
                wanted.parse::<usize>().ok().and_then(|n| examples.get(n.checked_sub(1)?));
            examples.iter().find(|e| e.name == *wanted).or(by_number).cloned()
        }
        (None, None) => examples.first().cloned(),
        (None, Some(_)) => None,
    }
}

/// Where the calls go.
struct Target {
    accounts: Accounts,
    tokens: BTreeMap<String, Secret>,
    /// For people.
    words: String,
    /// Lives as long as the run.
    _sandbox: Option<Sandbox>,
}

impl Target {
    async fn new(args: &Args, prepared: &Prepared, example: Option<&Example>) -> Result<Target> {
        let catalog = Catalog::embedded();
        let elsewhere = pairs(&args.base_url, "--base-url")?;
        let token_files = pairs(&args.token_file, "--token-file")?;
        for app in elsewhere.keys().chain(token_files.keys()) {
            if catalog.app(app).is_none_or(|a| a.base_url.is_none()) {
                return Err(CommandError::usage(
                    format!("there is no app `{app}` to call"),
                    "name highlevel or stax",
                ));
            }
        }
        let mut accounts = Accounts::of_catalog(catalog, World::location_id());
        let mut tokens = BTreeMap::new();
        let sandbox = match args.live {
            true => None,
            false => Some(start_sandbox(prepared, example).await?),
        };
        for app in catalog.apps().iter().filter(|a| a.base_url.is_some()) {
            let name = app.app.as_str();
            let real = args.live || elsewhere.contains_key(name);
            let connection =
                accounts.get_mut(name).expect("every app that can be called has a connection");
            if let Some(url) = elsewhere.get(name) {
                connection.base_url = base_url(url, app, args.live)?;
            } else if let Some(sandbox) = &sandbox {
                connection.base_url = sandbox.base_url(name);
            }
            if !real {
                tokens.insert(name.to_owned(), Secret::new(World::token(name)));
                continue;
            }
            set_location(args, prepared, connection, app.location.is_some())?;
            match token(name, token_files.get(name))? {
                Some(secret) => {
                    tokens.insert(name.to_owned(), secret);
                }
                None if uses(prepared, name) => {
                    return Err(CommandError::usage(
                        format!("there is no token for {}", app.title),
                        format!(
                            "set LINECOOK_{}_TOKEN, or name a file with --token-file {name}=FILE",
                            name.to_uppercase()
                        ),
                    ));
                }
                None => {}
            }
        }
        let words = match (args.live, elsewhere.is_empty()) {
            (true, true) => "LIVE: the real accounts".to_owned(),
            (true, false) => "LIVE: the real accounts, and the servers named".to_owned(),
            (false, true) => "in the sandbox".to_owned(),
            (false, false) => "against the servers named; all else in the sandbox".to_owned(),
        };
        Ok(Target { accounts, tokens, words, _sandbox: sandbox })
    }
}

async fn start_sandbox(prepared: &Prepared, example: Option<&Example>) -> Result<Sandbox> {
    let mut world = World::new(Catalog::embedded());
    world.set_now(prepared.now);
    let given = example.and_then(|e| e.given.as_ref());
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
    let about = [&event.event.record, &event.event.about_record];
    for record in about.into_iter().flatten() {
        let kind = format!("{}.{}", event.event.app, record.kind);
        let id = record.id.as_ref().and_then(|id| event.payload.get(id)).and_then(Value::as_str);
        let Some(id) = id else { continue };
        let there = world.records(&kind).iter().any(|r| r.get("id").is_some_and(|v| v == id));
        if there || event.event.id.ends_with("_deleted") {
            continue;
        }
        let mut fields = match Some(record) == event.event.record.as_ref() {
            true => event.payload.clone(),
            false => Map::new(),
        };
        fields.insert("id".into(), id.into());
        world.add_records(&kind, &[fields]);
    }
}

fn set_location(
    args: &Args,
    prepared: &Prepared,
    connection: &mut Connection,
    has_locations: bool,
) -> Result<()> {
    if !has_locations {
        return Ok(());
    }
    connection.location_id = args.recipe.location.clone();
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
    fn any(steps: &[crate::check::CheckedStep], app: &str) -> bool {
        steps.iter().any(|step| match &step.action {
            crate::check::Action::Call(call) => call.operation.app == app,
            crate::check::Action::Group(steps) => any(steps, app),
            _ => false,
        })
    }
    any(&prepared.plan.recipe.steps, app)
}

/// The address of another server. The real one needs `--live`, and a token never travels in the clear.
fn base_url(url: &str, app: &App, live: bool) -> Result<String> {
    let parsed = url::Url::parse(url).ok().filter(|u| {
        matches!(u.scheme(), "http" | "https") && u.host().is_some() && u.query().is_none()
    });
    let Some(parsed) = parsed else {
        return Err(CommandError::usage(
            format!("`{url}` is not the address of a server"),
            "write it like http://127.0.0.1:8080",
        ));
    };
    let host = |text: &str| url::Url::parse(text).ok()?.host_str().map(str::to_owned);
    if !live && app.base_url.as_deref().and_then(host).as_deref() == parsed.host_str() {
        return Err(CommandError::usage(
            format!("`{url}` is the real {}", app.title),
            "say so with --live: it changes real data",
        ));
    }
    let here = match parsed.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if parsed.scheme() == "http" && !here {
        return Err(CommandError::usage(
            format!("`{url}` would carry the token over the network for all to read"),
            "use https; plain http is for this machine only",
        ));
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}

fn token(app: &str, file: Option<&String>) -> Result<Option<Secret>> {
    if let Some(file) = file {
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
        return Ok(Some(Secret::new(text)));
    }
    let name = format!("LINECOOK_{}_TOKEN", app.to_uppercase());
    Ok(std::env::var(name).ok().filter(|t| !t.trim().is_empty()).map(|t| Secret::new(t.trim())))
}

fn pairs(written: &[String], option: &str) -> Result<BTreeMap<String, String>> {
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
