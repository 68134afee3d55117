//! `linecook connections list`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::catalog::Catalog;
use crate::cli::environment;
use crate::cli::exit::{Exit, Result};
use crate::cli::options::Format;
use crate::cli::print;
use crate::cli::project::{load_project, store_of};
use crate::cli::project_file::OpenProject;
use crate::cli::runtime::runtime;
use crate::connection::{Facts, Rotation};
use crate::report::{ConnectionList, ConnectionState, ConnectionSummary};
use crate::store::{Options, Store};
use crate::value::duration;
use crate::vault::Vault;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    let project = OpenProject::find()?;
    let connections = summaries(&project)?;
    let defaults = store_of(&project.path).map(|(_, defaults)| defaults).unwrap_or_default();
    let list = ConnectionList { connections: &connections, zone: &defaults.timezone };
    match args.format {
        Format::Json => print::line(list.json()),
        Format::Text if connections.is_empty() => {
            print::line(
                "There are no connections yet: `linecook connect stax`, `linecook connect highlevel`.",
            );
        }
        Format::Text => print::text(list.text()),
    }
    Ok(Exit::Good)
}

/// Every connection of the project file and of the vault.
fn summaries(project: &OpenProject) -> Result<Vec<ConnectionSummary>> {
    let open = Vault::look(project.vault().path())?;
    let stored = open.map(|open| open.connections).unwrap_or_default();
    let last_uses = match project.store.exists() {
        true => {
            let store = Store::beside(&project.store, Options::default())?;
            runtime()?.block_on(store.last_uses())?
        }
        false => BTreeMap::new(),
    };
    let loaded = load_project(&project.path);
    let written = &project.file.written.connections;
    let names: Vec<&String> = written.keys().collect();
    let mut seen: BTreeSet<&String> = names.iter().copied().collect();
    let left_over = stored.keys().filter(|name| seen.insert(name));
    let all: Vec<&String> = names.into_iter().chain(left_over).collect();
    let summary = |name: &&String| {
        let name = name.as_str();
        let facts = stored.get(name);
        let connection = written.get(name);
        let app = match (connection, facts) {
            (Some(connection), _) => connection.app.clone(),
            (None, facts) => facts.map(|facts| facts.app.clone()).unwrap_or_default(),
        };
        let known = Catalog::embedded().app(&app);
        let facts = facts.filter(|facts| facts.app == app);
        let every = connection.and_then(|c| duration::parse(c.rotate_every.as_deref()?));
        let rotation =
            facts.zip(every).map(|(facts, every)| Rotation { since: facts.since, every });
        let now = Timestamp::now();
        let replace_since = rotation.filter(|r| r.first_due() <= now).map(|r| r.first_due());
        let location = project.location(name).map(str::to_owned);
        let written_scopes = connection.and_then(|c| c.scopes.clone());
        let variable = environment::token(name, &app).map(|(variable, _)| variable);
        let from_here = variable.is_none();
        let calls = known.is_none_or(|app| app.base_url.is_some());
        ConnectionSummary {
            name: name.to_owned(),
            title: known.map_or_else(|| app.clone(), |app| app.title.clone()),
            app,
            location: location.or_else(|| facts.and_then(|facts| facts.location_id.clone())),
            way: facts.filter(|_| from_here).map(|facts| facts.way.words()),
            state: state(facts, variable, calls),
            is_left_over: connection.is_none(),
            scopes: facts.and_then(|facts| facts.scopes.clone()).or(written_scopes),
            is_sandbox: facts.and_then(|facts| facts.is_sandbox),
            since: facts.map(|facts| facts.since),
            replace_since,
            last_use: last_uses.get(name).copied(),
            recipes: loaded.ready.as_ref().map(|ready| ready.users_of(name)),
        }
    };
    Ok(all.iter().map(summary).collect())
}

fn state(facts: Option<&Facts>, variable: Option<String>, calls: bool) -> ConnectionState {
    match (facts, variable) {
        _ if !calls => ConnectionState::OnlyTells,
        (_, Some(variable)) => ConnectionState::FromEnvironment(variable),
        (None, None) => ConnectionState::NoCredential,
        (Some(Facts { lost: Some(lost), .. }), None) => {
            ConnectionState::Lost { at: lost.at, why: lost.why.clone() }
        }
        (Some(facts), None) => ConnectionState::Fine { renewed_before: facts.expires_at },
    }
}
