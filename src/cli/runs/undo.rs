//! `linecook runs undo`: what a run did is taken back, as far as it can be: first as a plan.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::filter::run_id;
use super::stored::{stored_history, stored_plan, stored_run};
use crate::call::{Caller, Response};
use crate::catalog::{Catalog, value_at};
use crate::cli::credentials::ProjectCredentials;
use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::installed::connections;
use crate::cli::links::ask_for;
use crate::cli::options::Format;
use crate::cli::print;
use crate::cli::project::{ReadyProject, load_project};
use crate::cli::runtime::runtime;
use crate::cli::store::{StoreArgs, StorePlace};
use crate::connection::{Connection, Credentials};
use crate::execute::{UndoHow, UndoTarget, Undoing, still_ours, undo};
use crate::http::{Guard, HttpCaller};
use crate::journal::{History, LinkChange};
use crate::plan::{self, Account, Detail};
use crate::store::{LinkAccounts, LinkFilter, RunId};
use crate::template::Scope;

#[derive(clap::Args)]
pub struct Args {
    /// The run, such as run-12
    #[arg(value_name = "RUN", value_parser = run_id)]
    run: RunId,
    /// Do it; without this only the plan is shown
    #[arg(long)]
    apply: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: &Args) -> Result {
    runtime()?.block_on(undo_run(args))
}

/// What became of one thing.
struct Line {
    /// `restore`, `delete`, `tags`, `unlink`, `cannot`
    word: &'static str,
    call: String,
    what: String,
    /// None while it is a plan.
    done: Option<std::result::Result<(), String>>,
}

async fn undo_run(args: &Args) -> Result {
    let place = args.store.place()?;
    let store = place.open()?;
    let row = stored_run(&store, args.run).await?;
    if !row.state.is_over() {
        return Err(CommandError::usage(
            format!("{} is not over: what it did may not be all that it does", args.run),
            format!("end it with `linecook runs cancel {}` first", args.run),
        ));
    }
    let Some(path) = place.project.clone() else {
        return Err(CommandError::usage(
            "there is no linecook.yaml here, so nobody knows the accounts",
            "run this in the project's folder",
        ));
    };
    let Some(ready) = load_project(&path).ready else {
        return Err(CommandError::usage(
            format!("{} has errors, so nothing was done", path.display()),
            "`linecook check` shows them",
        ));
    };
    let Some(kept) = stored_plan(&store, &row).await? else {
        return Err(CommandError::usage(
            format!("what {} was started with is no longer kept", args.run),
            "look at it with `linecook runs show`, and take back by hand what has to be",
        ));
    };
    let history = stored_history(&store, args.run).await?;
    let undoings = undo(&history, Catalog::embedded());
    let hand = Hand::new(&ready, kept.connections.clone()).await?;
    let mut lines = Vec::new();
    for undoing in &undoings {
        lines.push(hand.line(undoing, args.apply).await?);
    }
    let accounts = LinkAccounts(kept.connections.clone());
    lines.extend(links(&place, &history, accounts, row.created_at, args.apply).await?);
    hand.credentials.settled().await;
    show(args, &lines);
    let went_wrong = lines.iter().any(|line| matches!(line.done, Some(Err(_))));
    Ok(if went_wrong { Exit::Problems } else { Exit::Good })
}

/// What takes back the links that the run made and that are still there; and which it ended.
async fn links(
    place: &StorePlace,
    history: &History,
    accounts: LinkAccounts,
    began: Timestamp,
    apply: bool,
) -> std::result::Result<Vec<Line>, CommandError> {
    let store = place.open()?;
    let mut lines = Vec::new();
    for (_, change) in history.link_changes().collect::<Vec<_>>().into_iter().rev() {
        let line = |word, call: &str, what, done| Line { word, call: call.to_owned(), what, done };
        let Some(link) = change.begins().cloned() else {
            let why = "which links there were is no longer known".to_owned();
            lines.push(line("cannot", &change.to_string(), why, None));
            continue;
        };
        let [one, _] = &link.records;
        let id = Some(one.id.clone());
        let filter =
            LinkFilter { kind: Some(one.kind.clone()), id, limit: 1_000, ..LinkFilter::default() };
        let there = store.links(filter).await?;
        // One that was there before the run is none of its own.
        if !there.iter().any(|stored| stored.link == link && stored.made_at >= began) {
            continue;
        }
        let done = match apply {
            true => {
                let asked =
                    ask_for(place, vec![LinkChange::Unlink(link.clone())], accounts.clone());
                Some(asked.await.map(drop).map_err(|e| e.message().to_owned()))
            }
            false => None,
        };
        lines.push(line("unlink", "link", link.to_string().replacen(" with ", " from ", 1), done));
    }
    Ok(lines)
}

/// What reaches the apps.
struct Hand {
    caller: HttpCaller,
    credentials: std::sync::Arc<ProjectCredentials>,
    /// By app.
    accounts: BTreeMap<String, Connection>,
    defaults: std::sync::Arc<crate::value::Defaults>,
}

impl Hand {
    /// `used` says which connection the run used for an app.
    async fn new(ready: &ReadyProject, used: BTreeMap<String, String>) -> Result<Hand> {
        let all = connections(&ready.project);
        let credentials = ProjectCredentials::of(ready).await?;
        let caller = HttpCaller::new(ready.project.request_timeout, credentials.clone());
        let caller = caller.map_err(|e| {
            CommandError::environment(format!("no calls can be made: {e}"), "check the network")
        })?;
        let accounts =
            used.iter().filter_map(|(app, name)| Some((app.clone(), all.get(name)?.clone())));
        let accounts = accounts.collect();
        let caller = caller.guarded(Guard::new(all.clone())).through(&used);
        Ok(Hand { caller, credentials, accounts, defaults: ready.defaults.clone() })
    }

    /// What takes one thing back, and what came of it.
    async fn line(&self, undoing: &Undoing, apply: bool) -> Result<Line> {
        let line =
            |word: &'static str, what: String, done: Option<std::result::Result<(), String>>| {
                Line { word, call: undoing.call.clone(), what, done }
            };
        match &undoing.how {
            UndoHow::Cannot { why } => Ok(line("cannot", why.clone(), None)),
            UndoHow::Delete { target } => {
                let done = match apply {
                    true => Some(self.call(target, Map::new()).await.map(drop)),
                    false => None,
                };
                Ok(line("delete", target.in_words(), done))
            }
            UndoHow::Tags { target, tags, adds } => {
                let word = if *adds { "add" } else { "remove" };
                let what = format!("{word} the tags {} of {}", tags.join(", "), target.in_words());
                let done = match apply {
                    true => {
                        let body = Map::from_iter([("tags".to_owned(), json!(tags))]);
                        Some(self.call(target, body).await.map(drop))
                    }
                    false => None,
                };
                Ok(line("tags", what, done))
            }
            UndoHow::Restore { target, reads, fields } => {
                let read = UndoTarget { operation: reads.clone(), path: target.path.clone() };
                let record = match self.call(&read, Map::new()).await {
                    Ok(answer) => {
                        let at = reads.record.as_ref().and_then(|r| r.at.as_deref()).unwrap_or("$");
                        value_at(&answer.body, at).cloned().unwrap_or_default()
                    }
                    Err(why) => {
                        let what = format!("{} cannot be read: {why}", target.in_words());
                        return Ok(line("cannot", what, None));
                    }
                };
                let (body, changed_since) = still_ours(fields, &record);
                let mut what: Vec<String> = body
                    .iter()
                    .map(|(name, before)| format!("{name} back to {}", shown(before)))
                    .collect();
                if !changed_since.is_empty() {
                    let names = changed_since.join(", ");
                    what.push(format!("{names} was changed by somebody since, and stays"));
                }
                let what = format!("{}: {}", target.in_words(), what.join("; "));
                if body.is_empty() {
                    return Ok(line("cannot", what, None));
                }
                let done = match apply {
                    true => Some(self.call(target, body).await.map(drop)),
                    false => None,
                };
                Ok(line("restore", what, done))
            }
        }
    }

    /// Makes one call; why it did not go well.
    async fn call(
        &self,
        target: &UndoTarget,
        body: Map<String, Value>,
    ) -> std::result::Result<Response, String> {
        let operation = &target.operation;
        let app = Catalog::embedded().app(&operation.app).ok_or("the app is not known")?;
        let connection = self
            .accounts
            .get(&operation.app)
            .ok_or_else(|| format!("linecook.yaml has no connection to {} any more", app.title))?;
        let path = target.path.iter().map(|(name, id)| (name.clone(), Value::from(id.as_str())));
        let call = crate::server::list_call(operation, &path.chain(body).collect());
        let scope = Scope::new(self.defaults.clone());
        let account = Account { app, connection, detail: Detail::ToSend };
        let planned = plan::request(&call, &call.place, &scope, account, "")
            .map_err(|e| format!("{} ({})", e.problem, e.instead))?;
        match self.caller.call(&planned.request).await {
            Ok(answer) if answer.is_success() => Ok(answer),
            Ok(answer) => Err(format!("{} answers {}", app.title, answer.status)),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(items) => {
            let values = items.iter().map(|item| match item.get("field_value") {
                Some(value) => shown(value),
                None => item.to_string(),
            });
            values.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn show(args: &Args, lines: &[Line]) {
    if args.format == Format::Json {
        let lines = lines.iter().map(|line| {
            json!({
                "how": line.word, "call": line.call, "what": line.what,
                "done": line.done.as_ref().map(|done| done.is_ok()),
                "problem": line.done.as_ref().and_then(|done| done.as_ref().err()),
            })
        });
        print::line(json!({ "format_version": 1, "undo": lines.collect::<Vec<_>>() }));
        return;
    }
    if lines.is_empty() {
        print::line(format_args!("{} changed nothing: there is nothing to undo", args.run));
        return;
    }
    for line in lines {
        let ending = match &line.done {
            None => String::new(),
            Some(Ok(())) => " — done".to_owned(),
            Some(Err(why)) => format!(" — FAILED: {why}"),
        };
        let what = match line.word {
            "cannot" => format!("{}: {}", line.call, line.what),
            "tags" => line.what.clone(),
            word => format!("{word} {}", line.what),
        };
        let mark = if line.word == "cannot" { "✗ cannot be undone:" } else { "•" };
        print::line(format_args!("{mark} {what}{ending}"));
    }
    let can = lines.iter().filter(|line| line.word != "cannot").count();
    if !args.apply {
        let cannot = lines.len() - can;
        let rest = if cannot > 0 { format!(", {cannot} cannot") } else { String::new() };
        print::line(format_args!(
            "\n{can} can be undone{rest}. Nothing was done: `--apply` does it."
        ));
    }
}
