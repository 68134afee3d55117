//! `linecook runs retry`, `cancel` and `resolve`: what people ask of runs.

use super::filter::{FilterArgs, run_id};
use crate::cli::confirm::ConfirmArgs;
use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::options::Format;
use crate::cli::print;
use crate::cli::request::ask;
use crate::cli::runtime::runtime;
use crate::cli::store::{StoreArgs, StorePlace};
use crate::execute::{HAPPENED, SEND_AGAIN};
use crate::report::counted;
use crate::store::{RequestBody, RunId, RunRow, RunState, Runs};

/// The most runs of one command.
const MOST: usize = 10_000;

/// Which runs, and how to go about it.
#[derive(clap::Args)]
struct WhichArgs {
    /// Runs, such as run-12; or say which with the options
    #[arg(value_name = "RUN", value_parser = run_id, conflicts_with_all = ["recipe", "state", "key", "event", "since", "until"])]
    runs: Vec<RunId>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(clap::Args)]
pub struct RetryArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// Go on with the recipe as it is now, not as it was when the run started
    #[arg(long)]
    current_recipe: bool,
}

#[derive(clap::Args)]
pub struct CancelArgs {
    #[command(flatten)]
    which: WhichArgs,
}

#[derive(clap::Args)]
pub struct ResolveArgs {
    #[command(flatten)]
    which: WhichArgs,
    #[command(flatten)]
    answer: AnswerArgs,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct AnswerArgs {
    /// The call has happened: go on without sending it again
    #[arg(long)]
    done: bool,
    /// The call has not happened: send it again
    #[arg(long)]
    resend: bool,
    /// One of the choices that the run offers
    #[arg(long, value_name = "CHOICE")]
    choose: Option<String>,
}

/// One thing that can be asked of runs.
struct Verb<'a> {
    /// The words around the runs: "tries", " again".
    words: (&'a str, &'a str),
    /// The runs that it makes sense for.
    states: &'a [RunState],
    request: &'a dyn Fn(RunId) -> RequestBody,
    /// What to say when no service goes on with them.
    goes_on: Option<&'a str>,
}

pub fn retry(args: &RetryArgs) -> Result {
    let current_recipe = args.current_recipe;
    run(
        &args.which,
        &Verb {
            words: ("tries", " again, from the step that failed"),
            states: &[RunState::Failed],
            request: &|run| RequestBody::Retry { run, current_recipe },
            goes_on: Some(GOES_ON),
        },
    )
}

pub fn cancel(args: &CancelArgs) -> Result {
    run(
        &args.which,
        &Verb {
            words: ("ends", ""),
            states: &[
                RunState::Open,
                RunState::Waiting,
                RunState::Held,
                RunState::Failed,
                RunState::Paused,
            ],
            request: &|run| RequestBody::Cancel { run },
            goes_on: None,
        },
    )
}

pub fn resolve(args: &ResolveArgs) -> Result {
    let choice = match &args.answer {
        AnswerArgs { choose: Some(choice), .. } => choice.as_str(),
        AnswerArgs { done: true, .. } => HAPPENED,
        _ => SEND_AGAIN,
    };
    let answer = format!(" with `{choice}`");
    run(
        &args.which,
        &Verb {
            words: ("answers", &answer),
            states: &[RunState::Held],
            request: &|run| RequestBody::Resolve { run, choice: choice.to_owned() },
            goes_on: Some(GOES_ON),
        },
    )
}

const GOES_ON: &str = "no service runs here now: it goes on when `linecook serve` runs";

fn run(which: &WhichArgs, verb: &Verb<'_>) -> Result {
    runtime()?.block_on(async {
        let place = which.store.place()?;
        let runs = match which.runs.is_empty() {
            false => which.runs.clone(),
            true => match filtered(which, verb, &place).await? {
                Some(runs) => runs,
                None => return Ok(Exit::Good),
            },
        };
        let requests: Vec<RequestBody> = runs.iter().map(|run| (verb.request)(*run)).collect();
        let asked = ask(&place, &requests).await?;
        let subjects: Vec<String> = runs.iter().map(RunId::to_string).collect();
        asked.print(&subjects, verb.goes_on, which.format)
    })
}

/// The runs that fit, when the person agrees; none when there is nothing to do.
async fn filtered(
    which: &WhichArgs,
    verb: &Verb<'_>,
    place: &StorePlace,
) -> Result<Option<Vec<RunId>>> {
    if which.filter.is_empty() {
        return Err(CommandError::usage(
            "which runs?",
            "name them, such as run-12, or say which: --state failed, --recipe NAME, --since 2h",
        ));
    }
    let store = place.open()?;
    let mut filter = which.filter.read(place, MOST)?;
    if filter.states.is_empty() {
        filter.states = verb.states.to_vec();
    }
    let rows = store.runs(filter).await?;
    if rows.is_empty() {
        let why = which.filter.why_nothing(&store).await?;
        let why = why.unwrap_or_else(|| "no run fits, so there is nothing to do".to_owned());
        match which.format {
            Format::Text => print::line(why),
            Format::Json => print::line(crate::cli::request::Asked::nothing()),
        }
        return Ok(None);
    }
    let (before, behind) = verb.words;
    if !which.confirm.confirm(format_args!("{before} {}{behind}", how_many(&rows)), &[])? {
        print::talk("nothing was done");
        return Ok(None);
    }
    Ok(Some(rows.into_iter().map(|row| row.id).collect()))
}

/// `3 runs: 2 failed, 1 held`, as part of a sentence.
fn how_many(rows: &[RunRow]) -> String {
    let counts: Vec<(&'static str, u64)> = RunState::ALL
        .iter()
        .map(|state| (state.word(), rows.iter().filter(|row| row.state == *state).count() as u64))
        .filter(|(_, count)| *count > 0)
        .collect();
    match &counts[..] {
        [(state, 1)] => format!("1 {state} run"),
        [(state, count)] => format!("{count} {state} runs"),
        _ => counted(&counts).replacen(": ", " (", 1) + ")",
    }
}
