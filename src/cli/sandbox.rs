//! `linecook sandbox`: the pretended apps on a port of this machine, until they are told to stop.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::exit::{CommandError, Exit, Result};
use super::fail::failure;
use super::own_apps;
use super::print;
use super::runtime::runtime;
use super::serve::stop_signal;
use crate::catalog::{App, Catalog};
use crate::connection::leads_here;
use crate::diagnostic::{self, FileKind};
use crate::project::token_variable;
use crate::sandbox::{
    Courier, MOST_LATENCY_MS, Sandbox, Scopes, Settings, SigningKey, World, unknown_kind,
};
use crate::source::{Document, Route, Source};
use crate::value::duration;

/// So many of the last requests are kept.
const REQUESTS_KEPT: usize = 100_000;

const FAIL_HELP: &str = "\
Let a call go wrong: the call, then a status, timeout, disconnect or garbage; 2x for the first two times \
only. \"but done\" lets it happen all the same, \"not done\" keeps it from happening. Such as \
'POST /contacts/ 503 2x' or 'stax.create-customer 422 but done 1x'";

const AFTER: &str = "\
Try a project with it: copy what it prints into linecook.yaml and start `linecook serve`.

  linecook sandbox --webhooks highlevel=http://127.0.0.1:8377/hooks/app/highlevel
  curl http://127.0.0.1:4010/_sandbox/ledger      what was asked?
  curl http://127.0.0.1:4010/_sandbox/webhooks    what was told, and did it arrive?

docs/sandbox.md says the rest.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// The port on this machine; 0 takes any that is free
    #[arg(long, value_name = "PORT", default_value_t = 4010)]
    port: u16,
    /// A YAML file with records that are there from the start, such as `highlevel.contact: [{ email: … }]`
    #[arg(long, value_name = "FILE")]
    records: Option<PathBuf>,
    /// How long every answer takes longer, such as 200ms
    #[arg(long, value_name = "TIME")]
    latency: Option<String>,
    /// Take as many requests as come, instead of refusing too many with 429
    #[arg(long)]
    no_rate_limit: bool,
    /// Let HighLevel take a second contact with the same e-mail address or phone
    #[arg(long)]
    allow_duplicates: bool,
    /// Let a list of custom fields stand for all that a contact has
    #[arg(long)]
    replace_custom_fields: bool,
    /// What the token of an app may do, such as highlevel=contacts.readonly,contacts.write; everything
    /// without it
    #[arg(long, value_name = "APP=SCOPES")]
    scopes: Vec<String>,
    /// Send the webhooks of an app to this address on this machine; those that are registered with Stax
    /// are sent without it
    #[arg(long, value_name = "APP=URL")]
    webhooks: Vec<String>,
    /// Lose so many of a hundred webhooks
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    drop_webhooks: u8,
    /// Decides which webhooks are lost: the same ones with the same number
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// A file with the key that webhooks are signed with, so that it stays the same; made where it is
    /// missing. Without it every start has a new key
    #[arg(long, value_name = "FILE")]
    signing_key: Option<PathBuf>,
    #[arg(long, value_name = "FAILURE", help = FAIL_HELP)]
    fail: Vec<String>,
}

pub fn run(args: &Args) -> Result {
    own_apps::learn_here();
    let catalog = Catalog::embedded();
    let world = world(args, catalog)?;
    let key = signing_key(args.signing_key.as_deref())?;
    let public_key = key.public();
    let complain = Box::new(|text: &str| print::talk(format_args!("webhook lost: {text}")));
    runtime()?.block_on(async {
        let started = Sandbox::start_with(world, args.port, Some(Courier { key, complain })).await;
        let sandbox = started.map_err(|e| {
            CommandError::environment(
                format!("the sandbox cannot listen on port {}: {e}", args.port),
                "choose another with --port, or --port 0 for any that is free",
            )
        })?;
        let greet = async {
            print::text(greeting(&sandbox, catalog, &public_key));
            std::future::pending().await
        };
        tokio::select! {
            // It can be stopped before anybody is told that it has started.
            biased;
            () = stop_signal() => {}
            () = greet => {}
        }
        Ok(Exit::Good)
    })
}

fn world(args: &Args, catalog: &'static Catalog) -> Result<World> {
    let mut world = World::new(catalog);
    world.set_now(jiff::Timestamp::now());
    world.keep_requests(REQUESTS_KEPT);
    let latency_ms = args.latency.as_deref().map(latency_ms).transpose()?.unwrap_or_default();
    world.set_settings(Settings {
        rate_limit: !args.no_rate_limit,
        allow_duplicates: args.allow_duplicates,
        replace_custom_fields: args.replace_custom_fields,
        latency_ms,
        drop_webhooks_percent: args.drop_webhooks,
        scopes: scopes(&args.scopes, catalog)?,
        ..Settings::default()
    });
    if let Some(path) = &args.records {
        add_records(&mut world, catalog, path)?;
    }
    for written in &args.fail {
        world.add_failure(&failure(catalog, written)?);
    }
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    if args.drop_webhooks > 0 && args.seed.is_none() {
        print::talk(format_args!("Which webhooks are lost is decided by --seed {seed}."));
    }
    world.tell_of_changes(webhooks(&args.webhooks, catalog)?, seed);
    world.begin();
    Ok(world)
}

fn latency_ms(written: &str) -> Result<u64> {
    let latency = duration::parse(written).and_then(|d| u64::try_from(d.as_millis()).ok());
    latency.filter(|latency| *latency <= MOST_LATENCY_MS).ok_or_else(|| {
        CommandError::usage(
            format!("`{written}` is no length of time up to 10 minutes"),
            "write it like --latency 200ms or --latency 2s",
        )
    })
}

/// `APP=…` → the app and the rest.
fn pair<'a>(
    written: &'a str,
    option: &str,
    example: &str,
    catalog: &Catalog,
) -> Result<(&'a str, &'a str)> {
    let help = format!("write it like {option} {example}");
    let Some((app, rest)) = written.split_once('=') else {
        return Err(CommandError::usage(format!("`{written}` names no app"), help));
    };
    let app = app.trim();
    match apps(catalog).any(|known| known.app == app) {
        true => Ok((app, rest.trim())),
        false => Err(CommandError::usage(format!("the sandbox has no app `{app}`"), help)),
    }
}

/// The apps that can be called.
fn apps(catalog: &Catalog) -> impl Iterator<Item = &App> {
    catalog.apps().iter().filter(|app| app.base_url.is_some())
}

fn scopes(written: &[String], catalog: &Catalog) -> Result<Scopes> {
    let mut scopes = BTreeMap::new();
    for written in written {
        let example = "highlevel=contacts.readonly,contacts.write";
        let (app, names) = pair(written, "--scopes", example, catalog)?;
        let names = names.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned);
        scopes.insert(app.to_owned(), names.collect());
    }
    Ok(scopes)
}

fn webhooks(written: &[String], catalog: &Catalog) -> Result<Vec<(String, String)>> {
    let mut targets = Vec::new();
    for written in written {
        let example = "highlevel=http://127.0.0.1:8377/hooks/app/highlevel";
        let (app, address) = pair(written, "--webhooks", example, catalog)?;
        if !leads_here(address) || !address.starts_with("http") {
            return Err(CommandError::usage(
                format!(
                    "`{address}` is no address on this machine, and the sandbox sends nothing elsewhere"
                ),
                format!("write it like --webhooks {example}"),
            ));
        }
        targets.push((app.to_owned(), address.to_owned()));
    }
    Ok(targets)
}

/// Records by kind, as `given.records` of an example has them.
fn add_records(world: &mut World, catalog: &Catalog, path: &Path) -> Result<()> {
    let wrong = |why: &str, help: &str| {
        CommandError::usage(
            format!("the records in {} cannot be used: {why}", path.display()),
            help,
        )
    };
    let example = "write it like `highlevel.contact: [{ email: ada@example.com }]`";
    let source = Source::read(path)
        .map_err(|e| wrong(&e.to_string(), "name a file that can be read with --records"))?;
    let line_of = |start: usize| source.position(start).line;
    let document = Document::parse(&source).map_err(|e| {
        let message = diagnostic::syntax(&source, &e, FileKind::Recipe).message;
        wrong(&format!("line {}: {message}", line_of(e.span.start)), example)
    })?;
    let Value::Object(kinds) = document.value() else {
        return Err(wrong("it does not say of which kind they are", example));
    };
    for (kind, records) in kinds {
        let at = Route::root().key(kind);
        if let Some(help) = unknown_kind(catalog, kind) {
            let line = line_of(document.key_span(&at).start);
            return Err(wrong(&format!("line {line}: there is no kind `{kind}`"), &help));
        }
        let items = records.as_array().map(|items| items.iter().map(|item| item.as_object()));
        let given: Option<Vec<_>> =
            items.and_then(|items| items.map(|item| item.cloned()).collect());
        let Some(given) = given else {
            let line = line_of(document.value_span(&at).start);
            let why = format!("line {line}: under `{kind}` there has to be a list of records");
            return Err(wrong(&why, example));
        };
        world.add_records(kind, &given);
    }
    Ok(())
}

fn signing_key(path: Option<&Path>) -> Result<SigningKey> {
    let wrong = |path: &Path, why: &str| {
        CommandError::environment(
            format!("the key in {} cannot be used: {why}", path.display()),
            "name another file with --signing-key; one that is missing is made",
        )
    };
    if let Some(path) = path.filter(|path| path.exists()) {
        let text = std::fs::read_to_string(path).map_err(|e| wrong(path, &e.to_string()))?;
        return SigningKey::parse(&text).map_err(|e| wrong(path, &e));
    }
    let (key, text) = SigningKey::generate().map_err(|e| {
        CommandError::environment(format!("webhooks cannot be signed: {e}"), "start it once more")
    })?;
    if let Some(path) = path {
        write_for_me(path, &text).map_err(|e| wrong(path, &e.to_string()))?;
    }
    Ok(key)
}

/// Writes a file that nobody else may read.
fn write_for_me(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    std::fs::write(file.path(), format!("{text}\n"))?;
    file.persist(path).map(drop).map_err(|e| e.error)
}

/// What a person needs to use it, and can copy.
fn greeting(sandbox: &Sandbox, catalog: &Catalog, public_key: &str) -> String {
    let mut text = String::from("The pretended apps are there until you press Ctrl-C.\n\n");
    let width = apps(catalog).map(|app| app.title.chars().count()).max().unwrap_or(0).max(10);
    for app in apps(catalog) {
        let (name, address) = (&app.title, sandbox.base_url(&app.app));
        text.push_str(&format!("  {name:<width$} {address}   token {}", World::token(&app.app)));
        if app.location.is_some() {
            text.push_str(&format!(", location {}", World::location_id()));
        }
        text.push('\n');
    }
    let control = sandbox.control_url();
    text.push_str(&format!("  {:<width$} {control}   such as {control}/ledger\n", "Control"));
    text.push_str("\nFor linecook.yaml:\n\n");
    text.push_str("live_at_once: true        # nobody is behind these accounts\n");
    text.push_str("connections:\n");
    for app in apps(catalog) {
        let (name, address) = (&app.app, sandbox.base_url(&app.app));
        text.push_str(&format!("  {name}:\n    app: {name}\n    base_url: {address}\n"));
        if app.location.is_some() {
            text.push_str(&format!("    location_id: {}\n", World::location_id()));
        }
    }
    let signing: Vec<&App> = apps(catalog).filter(|app| app.signature.is_some()).collect();
    if !signing.is_empty() {
        text.push_str("webhooks:\n");
    }
    for app in signing {
        text.push_str(&format!("  {}:\n    keys: [{public_key}]\n", app.app));
    }
    text.push_str("\nAnd before `linecook serve`, in its terminal:\n\n");
    for app in apps(catalog) {
        let variable = token_variable(&app.app);
        text.push_str(&format!("export {variable}={}\n", World::token(&app.app)));
    }
    text
}
