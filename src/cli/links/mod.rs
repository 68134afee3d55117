//! `linecook links`: which record here is which record there.

mod change;
mod import;
mod list;
mod record;

use clap::Subcommand;

use super::exit::Result;

pub use change::ask_for;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List links, the newest first
    List(list::Args),
    /// Link two records; what either was linked with before gives way
    Set(change::SetArgs),
    /// Remove the link of two records, or all links of one
    Remove(change::RemoveArgs),
    /// Take over links from a CSV file or from lines of JSON: all of them, or none if one is wrong
    Import(import::Args),
}

pub fn run(args: &Args) -> Result {
    match &args.verb {
        Verb::List(args) => list::run(args),
        Verb::Set(args) => change::set(args),
        Verb::Remove(args) => change::remove(args),
        Verb::Import(args) => import::run(args),
    }
}
