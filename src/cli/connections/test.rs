//! `linecook connections test`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::unknown;
use crate::call::Caller;
use crate::catalog::Catalog;
use crate::cli::connect::{Verdict, verdict};
use crate::cli::credentials::ProjectCredentials;
use crate::cli::environment;
use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::installed;
use crate::cli::options::Format;
use crate::cli::print;
use crate::cli::project::{ReadyProject, load_project};
use crate::cli::project_file::OpenProject;
use crate::cli::runtime::runtime;
use crate::cli::serve::good;
use crate::connection::{Connection, Credentials};
use crate::http::HttpCaller;
use crate::http::proof::{judge, proof_request};
use crate::report::{Finding, findings_text};

#[derive(clap::Args)]
pub struct Args {
    /// The connections; all of them without it
    names: Vec<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// One connection and what was found.
pub struct Tested {
    name: String,
    app: String,
    verdict: Verdict,
}

pub fn run(args: &Args) -> Result {
    let project = OpenProject::find()?;
    let Some(ready) = good(load_project(&project.path)) else { return Ok(Exit::Problems) };
    let mut connections = installed::connections(&ready.project);
    if let Some(name) = args.names.iter().find(|name| !connections.contains_key(*name)) {
        return Err(unknown(name, &project, None));
    }
    if !args.names.is_empty() {
        connections.retain(|name, _| args.names.contains(name));
    }
    let tested = runtime()?.block_on(test(&ready, connections))?;
    let has_bad = tested.iter().any(|t| matches!(t.verdict, Verdict::Bad { .. }));
    match args.format {
        Format::Json => print::line(json!({
            "format_version": 1,
            "connections": tested.iter().map(Tested::json).collect::<Vec<_>>(),
        })),
        Format::Text if tested.is_empty() => {
            print::line("There is no connection that can be called.");
        }
        Format::Text => {
            let findings: Vec<Finding> = tested.iter().map(Tested::finding).collect();
            print::text(findings_text(&findings));
        }
    }
    Ok(if has_bad { Exit::Problems } else { Exit::Good })
}

/// Asks the app behind each connection.
pub async fn test(
    ready: &ReadyProject,
    connections: BTreeMap<String, Connection>,
) -> Result<Vec<Tested>> {
    let of_environment = connections.iter().filter_map(|(name, connection)| {
        Some((name.clone(), environment::token(name, &connection.app)?.1))
    });
    let credentials = ProjectCredentials::given(of_environment.collect());
    let credentials = Arc::new(credentials.with_vault(&ready.store, connections.clone()));
    let caller = HttpCaller::new(ready.project.request_timeout, credentials.clone());
    let caller = caller.map_err(|e| {
        CommandError::environment(format!("no calls can be made: {e}"), "check the network")
    })?;
    let mut tested = Vec::new();
    for (name, Connection { app, base_url, location_id, .. }) in connections {
        let known = Catalog::embedded().app(&app).expect("a connection is to an app");
        let location = location_id.as_deref();
        let Some(request) = proof_request(known, &base_url, location) else { continue };
        let through = caller.through(&[(app.clone(), name.clone())].into());
        let verdict = verdict(known, location, &judge(known, through.call(&request).await));
        tested.push(Tested { name, app, verdict });
    }
    credentials.settled().await;
    Ok(tested)
}

impl Tested {
    pub fn finding(&self) -> Finding {
        let name = self.name.clone();
        match &self.verdict {
            Verdict::Good { note: None } => Finding::fine(name, "works"),
            Verdict::Good { note: Some(note) } => {
                Finding::perhaps(name, note.as_str(), "`linecook check` says what recipes need")
            }
            Verdict::Bad { why, instead, .. } => {
                Finding::wrong(name, why.as_str(), instead.as_str())
            }
        }
    }

    fn json(&self) -> Value {
        let (works, note, why, to_do) = match &self.verdict {
            Verdict::Good { note } => (true, note.as_deref(), None, None),
            Verdict::Bad { why, instead, .. } => (false, None, Some(why), Some(instead)),
        };
        json!({
            "name": self.name, "app": self.app, "works": works, "note": note, "why": why, "to_do": to_do,
        })
    }
}
