//! `linecook pull`: which names does an account know? It is asked, and what it says is kept beside the
//! project file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::credentials::{ProjectCredentials, how_to_connect};
use super::environment::token;
use super::exit::{CommandError, Exit, Result};
use super::options::Format;
use super::print;
use super::project_file::OpenProject;
use super::runtime::runtime;
use super::snapshot::{earlier, snapshot_path, today, write};
use crate::call::{Caller, Response};
use crate::catalog::{App, ByName, Catalog, Operation, Pull};
use crate::check::{CheckedCall, Content, Input, Mapping, Place, RetryPolicy};
use crate::connection::{Connection, Credentials};
use crate::diagnostic::nearest;
use crate::http::HttpCaller;
use crate::http::proof::{Proven, judge};
use crate::plan::{self, Account, Detail, PlannedRequest};
use crate::recipe::OnProblem;
use crate::report::plural;
use crate::snapshot::{Change, ChangeKind, Entry, Part, Snapshot};
use crate::template::Scope;

/// How long to wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The most pages that are looked at of what is only seen inside other records.
const MAX_PAGES: u64 = 10;
/// How often a call is made that the app has no time for.
const MAX_TRIES: u32 = 3;
/// How long to wait between two of them when the app does not say.
const PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub struct Args {
    /// The connections to look at; all of them without it
    connections: Vec<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What became of one connection.
struct Pulled {
    connection: String,
    outcome: std::result::Result<Found, Problem>,
}

/// What was found in an account.
struct Found {
    snapshot: Snapshot,
    path: PathBuf,
    /// None at the first look.
    changes: Option<Vec<Change>>,
    /// What could not be read, and what to do about it.
    left_out: Vec<(Part, Problem)>,
}

/// Why something could not be done, and one thing to do.
struct Problem {
    why: String,
    instead: String,
}

pub fn run(args: &Args) -> Result {
    let project = OpenProject::find()?;
    let connections = connections(&project, &args.connections)?;
    let pulled = runtime()?.block_on(pull_all(&project, connections))?;
    match args.format {
        Format::Text => pulled.iter().for_each(|one| print::line(one.text())),
        Format::Json => print::line(json!({
            "format_version": 1,
            "connections": pulled.iter().map(Pulled::json).collect::<Vec<_>>(),
        })),
    }
    match pulled.iter().all(|one| one.outcome.is_ok()) {
        true => Ok(Exit::Good),
        false => Ok(Exit::Problems),
    }
}

/// The connections that are meant, by name.
fn connections(project: &OpenProject, named: &[String]) -> Result<BTreeMap<String, Connection>> {
    let written = &project.file.written.connections;
    let has_names =
        |app: &str| Catalog::embedded().app(app).is_some_and(|app| !app.pull.is_empty());
    for name in named {
        let Some(connection) = written.get(name) else {
            let known = written.keys().map(String::as_str);
            let near = nearest(name, known.clone());
            let all: Vec<&str> = known.collect();
            return Err(CommandError::usage(
                format!("there is no connection `{name}` in {}", project.path.display()),
                match (near, all.is_empty()) {
                    (Some(near), _) => format!("did you mean `{near}`?"),
                    (None, true) => "`linecook connect highlevel` makes one".to_owned(),
                    (None, false) => format!("there are: {}", all.join(", ")),
                },
            ));
        };
        if !has_names(&connection.app) {
            return Err(CommandError::usage(
                format!("there is nothing to look at in `{name}` ({})", connection.app),
                "name a connection to HighLevel or Stax",
            ));
        }
    }
    let meant = |name: &String| named.is_empty() || named.contains(name);
    let mut connections = BTreeMap::new();
    for (name, written) in written.iter().filter(|(name, w)| meant(name) && has_names(&w.app)) {
        let app = Catalog::embedded().app(&written.app).expect("it has something to look at");
        let base_url = match written.base_url.as_deref() {
            Some(address) => project.server(app, address)?,
            None => app.base_url.clone().unwrap_or_default(),
        };
        let location_id = project.location(name).map(str::to_owned);
        if app.location.is_some() && location_id.is_none() {
            return Err(CommandError::usage(
                format!("the account of `{name}` is not known"),
                format!("write its `location_id` in {}", project.path.display()),
            ));
        }
        let (app, access) = (app.app.clone(), Default::default());
        let connection = Connection { app, base_url, location_id, access, rotation: None };
        connections.insert(name.clone(), connection);
    }
    if connections.is_empty() {
        return Err(CommandError::usage(
            format!("{} has no connection to look at", project.path.display()),
            "`linecook connect highlevel` or `linecook connect stax` makes one",
        ));
    }
    Ok(connections)
}

async fn pull_all(
    project: &OpenProject,
    connections: BTreeMap<String, Connection>,
) -> Result<Vec<Pulled>> {
    let of_environment = connections
        .iter()
        .filter_map(|(name, connection)| Some((name.clone(), token(name, &connection.app)?.1)));
    let credentials = ProjectCredentials::given(of_environment.collect());
    let credentials = Arc::new(credentials.with_vault(&project.store, connections.clone()));
    let caller = HttpCaller::new(TIMEOUT, credentials.clone()).map_err(|e| {
        CommandError::environment(format!("no calls can be made: {e}"), "check the network")
    })?;
    let mut pulled = Vec::new();
    for (name, connection) in connections {
        let through = caller.through(&[(connection.app.clone(), name.clone())].into());
        let outcome = match pull(&through, &name, &connection).await {
            Ok((parts, left_out)) => {
                let written = project.connection(&name).expect("it is one of the project's");
                let before = earlier(&project.path, &name, written);
                Ok(kept(project, &name, &connection, parts, left_out, before)?)
            }
            Err(problem) => Err(problem),
        };
        pulled.push(Pulled { connection: name, outcome });
    }
    credentials.settled().await;
    Ok(pulled)
}

/// Stores what was found, with what an earlier look knew.
fn kept(
    project: &OpenProject,
    name: &str,
    connection: &Connection,
    parts: BTreeMap<Part, Vec<Entry>>,
    left_out: Vec<(Part, Problem)>,
    before: Option<Snapshot>,
) -> Result<Found> {
    let location = connection.location_id.as_deref();
    let now = Snapshot::new(&connection.app, location, today(), parts);
    let (snapshot, changes) = match before {
        Some(before) => {
            let (now, changes) = now.after(&before, &seen_in_part(&connection.app));
            (now, Some(changes))
        }
        None => (now, None),
    };
    let path = snapshot_path(&project.path, name);
    write(&path, &snapshot)?;
    Ok(Found { snapshot, path, changes, left_out })
}

type Parts = (BTreeMap<Part, Vec<Entry>>, Vec<(Part, Problem)>);

/// Asks for everything that an account names by itself. What its token may not read is left out.
async fn pull(
    caller: &impl Caller,
    name: &str,
    connection: &Connection,
) -> std::result::Result<Parts, Problem> {
    let catalog = Catalog::embedded();
    let app = catalog.app(&connection.app).expect("a connection is to an app");
    let (mut parts, mut left_out) = (BTreeMap::new(), Vec::new());
    for (word, asked) in &app.pull {
        let (Some(part), Some(operation)) = (Part::from_word(word), operation(app, asked)) else {
            continue;
        };
        match entries(caller, app, connection, &operation, asked, part).await {
            Ok(entries) => drop(parts.insert(part, entries)),
            Err(Refused::Part(problem)) => left_out.push((part, problem)),
            Err(Refused::All { why, no_token }) => {
                let instead = match no_token {
                    true => how_to_connect(name, &connection.app),
                    false => format!("`linecook connections test {name}` says more"),
                };
                return Err(Problem { why, instead });
            }
        }
    }
    Ok((parts, left_out))
}

fn operation(app: &App, asked: &Pull) -> Option<Arc<Operation>> {
    Catalog::embedded().operation(&format!("{}.{}", app.app, asked.list)).ok()
}

/// Parts of which only some records show what there is.
fn seen_in_part(app: &str) -> Vec<Part> {
    let app = Catalog::embedded().app(app).expect("a connection is to an app");
    let parts = app.pull.iter().filter(|(_, asked)| {
        operation(app, asked).is_some_and(|operation| among(&operation).is_some())
    });
    parts.filter_map(|(word, _)| Part::from_word(word)).collect()
}

/// The custom fields inside the records of a list, where it lists such records and not the fields.
fn among(operation: &Operation) -> Option<(&str, &ByName)> {
    ByName::among(operation.list.as_ref()?.of.fields.as_ref()?)
}

/// Why a part was not read.
enum Refused {
    /// The others may be.
    Part(Problem),
    /// None can be.
    All { why: String, no_token: bool },
}

async fn entries(
    caller: &impl Caller,
    app: &App,
    connection: &Connection,
    operation: &Arc<Operation>,
    asked: &Pull,
    part: Part,
) -> std::result::Result<Vec<Entry>, Refused> {
    let list = operation.list.as_ref().expect("the catalog asks for lists only");
    let request = request(app, connection, operation, asked);
    let mut entries: Vec<Entry> = Vec::new();
    for number in 1..=MAX_PAGES {
        let page = plan::page(&request, operation, number);
        let body = answer(caller, app, operation, part, &page).await?;
        for item in list.read_items(&body).into_iter().filter_map(Value::as_object) {
            let found: Vec<Entry> = match among(operation) {
                None => Entry::read(part, item).into_iter().collect(),
                Some((held_in, by_name)) => {
                    let held = item.get(held_in).unwrap_or(&Value::Null);
                    let names = by_name.entries(held).filter_map(|entry| entry.name);
                    names.map(|name| Entry::named(&by_name.object, name)).collect()
                }
            };
            let is_new = |new: &Entry, all: &[Entry]| all.iter().all(|old| old.id != new.id);
            for entry in found {
                if is_new(&entry, &entries) {
                    entries.push(entry);
                }
            }
        }
        if list.is_last_page(&body, number, None) {
            break;
        }
    }
    Ok(entries)
}

/// The body of a good answer.
async fn answer(
    caller: &impl Caller,
    app: &App,
    operation: &Operation,
    part: Part,
    page: &PlannedRequest,
) -> std::result::Result<Value, Refused> {
    let mut tries = 1;
    loop {
        let answer = caller.call(&page.request).await;
        if let Ok(Response { status: 429 | 503, retry_after_seconds, .. }) = &answer
            && tries < MAX_TRIES
        {
            let pause = retry_after_seconds.map_or(PAUSE, Duration::from_secs);
            tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
            tries += 1;
            continue;
        }
        let status = answer.as_ref().map_or(0, |response| response.status);
        return match judge(app, answer) {
            Proven::Good(body) => Ok(body),
            Proven::LacksScope => {
                let scope = operation.scope.as_deref();
                let scope =
                    scope.map_or_else(|| "the scope for it".to_owned(), |s| format!("`{s}`"));
                Err(Refused::Part(Problem {
                    why: format!("the token may not read the {}", part.several()),
                    instead: format!("give it {scope} and run `linecook pull` again"),
                }))
            }
            // The account has no such thing, or not any more.
            Proven::Unclear { why, may_pass: false } if (400..500).contains(&status) => {
                Err(Refused::Part(Problem {
                    why: format!("the {} cannot be read: {why}", part.several()),
                    instead: "recipes can name them by their ids all the same".to_owned(),
                }))
            }
            Proven::OtherAccount => Err(Refused::All {
                why: format!("{} says that the token is for another account", app.title),
                no_token: false,
            }),
            Proven::Wrong => Err(Refused::All {
                why: format!("{} does not know the token, or not any more", app.title),
                no_token: true,
            }),
            Proven::Withheld { why, .. } => Err(Refused::All { why, no_token: true }),
            Proven::Unclear { why, .. } => Err(Refused::All { why, no_token: false }),
        };
    }
}

fn request(
    app: &App,
    connection: &Connection,
    operation: &Arc<Operation>,
    asked: &Pull,
) -> PlannedRequest {
    let place = Place::default();
    let input = |(name, value): (&String, &Value)| {
        let (slot, name, _) = operation.field(name).ok()?;
        let mapping = Mapping { place: place.clone(), content: Content::Literal(value.clone()) };
        Some(Input { slot, name: name.to_owned(), mapping })
    };
    let call = CheckedCall {
        place: place.clone(),
        operation: operation.clone(),
        lookup: None,
        inputs: asked.with.iter().filter_map(input).collect(),
        body: None,
        tags: None,
        search: None,
        save: Vec::new(),
        safe: Default::default(),
        links: Vec::new(),
        retry: RetryPolicy::off(),
        on_error: OnProblem::Stop,
        on_not_found: OnProblem::Stop,
    };
    let account = Account { app, connection, detail: Detail::ToSend };
    plan::request(&call, &place, &Scope::new(Arc::default()), account, "")
        .expect("a list of the catalog needs nothing but what the connection knows")
}

impl Pulled {
    fn text(&self) -> String {
        let found = match &self.outcome {
            Ok(found) => found,
            Err(Problem { why, instead }) => {
                let why = format!("nothing was read from `{}`: {why}", self.connection);
                return format!("{}\n  → {instead}", CommandError::problem(why));
            }
        };
        let parts = found.snapshot.parts.iter();
        let counts: Vec<String> = parts.map(|(part, all)| plural(all.len(), part.one())).collect();
        let counts = match counts.is_empty() {
            true => "nothing could be read".to_owned(),
            false => counts.join(", "),
        };
        let mut lines = vec![format!("{}: {counts} → {}", self.connection, shown(&found.path))];
        match &found.changes {
            None => {}
            Some(changes) if changes.is_empty() => {
                lines.push("  all as it was at the last look".to_owned());
            }
            Some(changes) => lines.extend(changes.iter().map(|c| format!("  {}", in_words(c)))),
        }
        for (_, Problem { why, instead }) in &found.left_out {
            lines.push(format!("  left out: {why}\n            → {instead}"));
        }
        lines.join("\n")
    }

    fn json(&self) -> Value {
        match &self.outcome {
            Ok(found) => {
                let parts = found.snapshot.parts.iter();
                let counts: BTreeMap<&str, usize> =
                    parts.map(|(part, all)| (part.word(), all.len())).collect();
                let changes = found.changes.iter().flatten().map(|change| {
                    let (kind, from) = match &change.kind {
                        ChangeKind::New => ("new", None),
                        ChangeKind::Renamed { from } => ("renamed", Some(from)),
                        ChangeKind::Other => ("changed", None),
                        ChangeKind::Gone => ("gone", None),
                    };
                    json!({ "part": change.part.word(), "name": change.name, "kind": kind, "from": from })
                });
                let left_out = found.left_out.iter().map(|(part, problem)| {
                    json!({ "part": part.word(), "why": problem.why, "to_do": problem.instead })
                });
                json!({
                    "name": self.connection,
                    "file": shown(&found.path),
                    "counts": counts,
                    "changes": changes.collect::<Vec<_>>(),
                    "left_out": left_out.collect::<Vec<_>>(),
                })
            }
            Err(problem) => {
                json!({ "name": self.connection, "why": problem.why, "to_do": problem.instead })
            }
        }
    }
}

fn in_words(change: &Change) -> String {
    let (one, name) = (change.part.one(), &change.name);
    match &change.kind {
        ChangeKind::New => format!("new: the {one} `{name}`"),
        ChangeKind::Renamed { from } => {
            format!("renamed: the {one} `{from}` is called `{name}` now")
        }
        ChangeKind::Other => format!("changed: the {one} `{name}`"),
        ChangeKind::Gone => format!("gone: the {one} `{name}`"),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}
