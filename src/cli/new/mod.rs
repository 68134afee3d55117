//! `linecook new`: a recipe from an event and an operation, or one that linecook brings along, with settings of
//! one's own. What flags do not say is asked at a terminal. Nothing is saved that does not check clean.

mod build;
mod choose;
mod fields;
mod given;
mod install;
mod place;
mod prove;
mod settings;
mod template;

use std::path::PathBuf;

pub use prove::{Proof, prove};

use super::ask;
use super::exit::{Exit, Result};

const AFTER: &str = "\
Examples:
  linecook new                               asks everything, step by step
  linecook new --on stax.payment_failed --call highlevel.create-task
  linecook new vip.yaml --on highlevel.contact_created --call highlevel.add-tags --with tags='[vip]'
  linecook new --from chase-payment --set chase='Payment reminder'";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// The recipe's file; without it, it is named after what it does, in the folder `recipes`
    file: Option<PathBuf>,
    /// The event that starts it, such as stax.payment_failed
    #[arg(long, value_name = "EVENT")]
    on: Option<String>,
    /// What it calls, such as highlevel.create-task
    #[arg(long, value_name = "OPERATION")]
    call: Option<String>,
    /// What goes into a field, as recipes write it: --with email='{{ event.email }}'; nothing behind the `=`
    /// leaves it out
    #[arg(long, value_name = "FIELD=VALUE")]
    with: Vec<String>,
    /// A setting that whoever installs the recipe fills in: --setting days='{ type: integer, default: 2 }'
    #[arg(long, value_name = "NAME=YAML")]
    setting: Vec<String>,
    /// What the recipe is called, in one line
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Begin with a recipe that linecook brings along, such as new-customer
    #[arg(
        long, value_name = "RECIPE", num_args = 0..=1, default_missing_value = "",
        conflicts_with_all = ["on", "call", "with", "setting", "name"]
    )]
    from: Option<String>,
    /// With --from: one of its settings; the value is read as YAML
    #[arg(long = "set", value_name = "NAME=VALUE", requires = "from")]
    set: Vec<String>,
    /// With --from: which connection of linecook.yaml to use for an app, where there are several
    #[arg(long, value_name = "APP=NAME", requires = "from")]
    connection: Vec<String>,
    /// Take what is proposed, and ask nothing
    #[arg(long, short)]
    yes: bool,
}

impl Args {
    /// Whether somebody is there to be asked, and wants to be.
    fn asks(&self) -> bool {
        !self.yes && ask::is_possible()
    }
}

pub fn run(args: &Args) -> Result<Exit> {
    super::own_apps::learn_here();
    if let Some(name) = &args.from {
        return template::run(args, name);
    }
    if args.on.is_none() && args.call.is_none() && args.asks() {
        let ways = [
            "Build one: pick what starts it and what it does".to_owned(),
            "Take one that linecook brings along, and say what is different with you".to_owned(),
        ];
        if ask::choose("How do you want to begin", &ways, "say --on and --call, or --from")? == 1 {
            return template::run(args, "");
        }
    }
    build::run(args)
}
