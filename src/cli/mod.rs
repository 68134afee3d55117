//! The command line: one file per verb. Data goes to standard output, talk to standard error.

mod ask;
mod backup;
mod catalog;
mod check;
mod confirm;
mod connect;
mod connections;
mod credentials;
mod doctor;
mod dry_run;
mod environment;
mod event;
mod events;
mod exit;
mod explain;
mod fail;
mod go_live;
mod init;
mod installed;
mod links;
mod live;
mod live_links;
mod load;
mod looking;
mod new;
mod options;
mod own_apps;
mod pause;
mod pin;
mod prepare;
mod print;
mod project;
mod project_file;
mod pull;
mod recipes;
mod record;
mod request;
mod restore;
mod run;
mod runs;
mod runtime;
mod sandbox;
mod schema;
mod serve;
mod shipped;
mod snapshot;
mod store;
mod stored_event;
mod sync;
mod target;
mod test;
mod webhooks;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use event::example_payload;
pub use exit::Exit;
pub use load::load;
pub use new::{Proof, prove};
pub use prepare::{given_last_seen, given_links};
pub use project::{Installation, LoadedProject, Near, ReadyProject, load_project};
pub use target::furnish;
pub use test::snapshots_of;

const ABOUT: &str = "\
linecook checks, tries and runs recipes.

A recipe is a YAML file: when this happens (a trigger), do these calls with these fields. linecook \
keeps Stax (payments) and HighLevel (contacts) in agreement with it, and needs no programming.";

const AFTER: &str = "\
Start here:
  linecook init my-shop                      start a project, with a first recipe
  linecook new                               make a recipe, step by step
  linecook check recipes                     is everything right?
  linecook dry-run recipes/new-customer.yaml what would be sent?
  linecook run recipes/new-customer.yaml     run it against the built-in sandbox
  linecook test recipes                      run the examples of every recipe
  linecook catalog list --search task        what can a recipe call?
  linecook runs list                         what did recipes do, and does one need me?
  linecook doctor                            is all well?

Exit status: 0 all good, 1 problems found or the run failed, 2 wrong use, 3 something around it failed.";

/// What the program understands.
#[derive(Parser)]
#[command(name = "linecook", version, about = "Checks, tries and runs recipes.", long_about = ABOUT, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Start a project: linecook.yaml, a first recipe and its event
    Init(init::Args),
    /// Make a recipe: pick what starts it and what it does, or begin with one that linecook brings along
    New(new::Args),
    /// Find every mistake in recipes and in linecook.yaml, and say what to write instead
    Check(check::Args),
    /// Show every request that a recipe would send, and send nothing
    #[command(name = "dry-run")]
    DryRun(dry_run::Args),
    /// Say in plain sentences what a recipe does, or draw it
    Explain(explain::Args),
    /// Run a recipe step by step against the built-in sandbox, or a server you name
    Run(run::Args),
    /// Run the examples of recipes in the sandbox
    Test(test::Args),
    /// Serve the pretended apps on this machine: to try a project whole, and for tests of your own
    Sandbox(sandbox::Args),
    /// Connect an account of an app: HighLevel or Stax
    Connect(connect::Args),
    /// Look which custom fields, users, pipelines and the like an account has, so that recipes know their names
    Pull(pull::Args),
    /// How connections stand: test them, replace or revoke their credentials, rename them
    Connections(connections::Args),
    /// Run the project as a service: webhooks in, nothing lost
    Serve(serve::Args),
    /// Let a recipe go live, when it checks clean, its examples pass and it stays within its limits
    #[command(name = "go-live")]
    GoLive(go_live::Args),
    /// Stop a recipe at once; its events wait until it goes live again
    Pause(pause::Args),
    /// Where each recipe of the project stands: in the sandbox, live, in review or paused
    Recipes(recipes::Args),
    /// The addresses that webhooks are posted to
    Webhooks(webhooks::Args),
    /// Take existing records through a recipe: what it would cost, and with --apply do it
    Sync(sync::Args),
    /// What recipes did: look at runs, let failed ones go on, answer held ones
    Runs(runs::Args),
    /// Make an example of a recipe from a past run, with everybody's data replaced
    Record(record::Args),
    /// What has arrived: look at events, start their recipes once more
    Events(events::Args),
    /// Which record here is which record there: list links, set, remove and import them
    Links(links::Args),
    /// Say what is fine and what is not: the project, the store, the service, runs, tokens
    Doctor(doctor::Args),
    /// Write a copy of the store, while the service runs or not
    Backup(backup::Args),
    /// Put a backup in the place of the store
    Restore(restore::Args),
    /// What the apps can do and what they tell
    Catalog(catalog::Args),
    /// Print the JSON Schema of recipes or of linecook.yaml, for editors
    Schema(schema::Args),
}

/// Parses the arguments, runs the command, and gives its exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.verb {
        Verb::Init(args) => init::run(&args),
        Verb::New(args) => new::run(&args),
        Verb::Check(args) => check::run(&args),
        Verb::DryRun(args) => dry_run::run(&args),
        Verb::Explain(args) => explain::run(&args),
        Verb::Run(args) => run::run(&args),
        Verb::Test(args) => test::run(&args),
        Verb::Sandbox(args) => sandbox::run(&args),
        Verb::Connect(args) => connect::run(&args),
        Verb::Pull(args) => pull::run(&args),
        Verb::Connections(args) => connections::run(&args),
        Verb::Serve(args) => serve::run(&args),
        Verb::GoLive(args) => go_live::run(&args),
        Verb::Pause(args) => pause::run(&args),
        Verb::Recipes(args) => recipes::run(&args),
        Verb::Webhooks(args) => webhooks::run(&args),
        Verb::Sync(args) => sync::run(&args),
        Verb::Runs(args) => runs::run(&args),
        Verb::Record(args) => record::run(&args),
        Verb::Events(args) => events::run(&args),
        Verb::Links(args) => links::run(&args),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Backup(args) => backup::run(&args),
        Verb::Restore(args) => restore::run(&args),
        Verb::Catalog(args) => catalog::run(&args),
        Verb::Schema(args) => schema::run(&args),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            print::talk(error.text());
            error.exit().into()
        }
    }
}
