//! `linecook connect`: credentials come in, through the browser, a prompt or standard input; they are
//! proven, and then kept in the vault, with the connection in `linecook.yaml`.

mod agree;
mod browser;
mod client;
mod clicks;
mod keep;
mod location;
mod prove;
mod token;
mod workflow;

use std::collections::{BTreeMap, BTreeSet};

use super::ask;
use super::environment;
use super::exit::{CommandError, Exit, Result};
use super::print;
use super::project::load_project;
use super::project_file::{OpenProject, app_to_call};
use super::runtime::runtime;
use crate::catalog::App;
use crate::connection::Way;
use crate::project::token_variable;
use crate::vault::{Open, Vault};

pub use clicks::{Scopes, to_withdraw};
pub use prove::{Verdict, verdict};

#[derive(clap::Args)]
pub struct Args {
    /// The app: highlevel or stax
    #[arg(value_name = "APP")]
    app_name: String,
    /// What the connection is called in linecook.yaml; without it the one that is there
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    way: WayArgs,
    #[command(flatten)]
    options: Options,
}

/// How a person connects.
#[derive(clap::Args)]
#[group(multiple = false)]
struct WayArgs {
    /// HighLevel: with a marketplace app, by signing in with the browser
    #[arg(long)]
    app: bool,
    /// HighLevel: with a private integration token, from a prompt or standard input
    #[arg(long)]
    private_token: bool,
    /// HighLevel: only events, sent by a workflow with the action Custom Webhook; no credential
    #[arg(long)]
    workflow: bool,
}

/// What may be said beforehand.
#[derive(clap::Args)]
pub struct Options {
    /// The id of the account; in HighLevel it stands in the address bar behind /location/
    #[arg(long, value_name = "ID")]
    location: Option<String>,
    /// Another server than the app's own, for trying things out; goes into linecook.yaml with a new
    /// connection
    #[arg(long, value_name = "ADDRESS")]
    base_url: Option<String>,
    /// Stax: the key is of an account for trying things out
    #[arg(long, conflicts_with = "production")]
    sandbox: bool,
    /// Stax: the key is of an account with real money
    #[arg(long)]
    production: bool,
    #[command(flatten)]
    sign_in: SignInArgs,
}

/// How to sign in with the browser.
#[derive(clap::Args)]
#[command(next_help_heading = "With a marketplace app")]
pub struct SignInArgs {
    /// Show the address instead of opening a browser, and take the address that the browser ends at, pasted
    /// here; for servers reached by ssh
    #[arg(long)]
    no_browser: bool,
    /// The client id of the marketplace app; asked for once
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Ask for the client secret again, because it has changed
    #[arg(long)]
    new_client_secret: bool,
    /// The address on this machine that is registered with the app [default:
    /// http://localhost:8378/oauth/callback]
    #[arg(long, value_name = "ADDRESS")]
    redirect_uri: Option<String>,
    /// Another page on which you agree, such as that of your agency; goes into linecook.yaml with a new
    /// connection
    #[arg(long, value_name = "ADDRESS")]
    authorize_url: Option<String>,
    /// Agree on the page without HighLevel's name
    #[arg(long)]
    white_label: bool,
    /// Sign in for a whole company (agency), and use one of its accounts
    #[arg(long)]
    company: bool,
    /// Protect the sign-in with PKCE, where the app takes it; remembered
    #[arg(long, value_name = "YES", num_args = 0..=1, default_missing_value = "true")]
    pkce: Option<bool>,
    /// Ask for this scope too, whether a recipe needs it or not; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The id of the app's version, which the link to a private app needs
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,
}

/// The ways that an app has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    With(Way),
    /// Nothing is called, events alone arrive.
    Workflow,
}

/// What is being connected.
pub struct Connecting<'a> {
    project: OpenProject,
    vault: Vault,
    app: &'static App,
    name: String,
    options: &'a Options,
}

pub fn run(args: &Args) -> Result {
    let project = OpenProject::find()?;
    let app = app_to_call(&args.app_name)?;
    let name = name(&project, app, args.name.as_deref())?;
    let vault = project.vault();
    let connecting = Connecting { project, vault, app, name, options: &args.options };
    connecting.is_free()?;
    match means(app, &args.way)? {
        Means::With(way) => connecting.connect(way),
        Means::Workflow => connecting.by_workflow(),
    }
}

/// Connects again what is connected: the way stays. Gives whether there was something before.
pub fn again(project: OpenProject, name: &str, way: Way, options: &Options) -> Result {
    let app = match project.connection(name) {
        Some(connection) => app_to_call(&connection.app)?,
        None => {
            return Err(CommandError::usage(
                format!("linecook.yaml has no connection `{name}`"),
                "`linecook connections list` shows them",
            ));
        }
    };
    let vault = project.vault();
    Connecting { project, vault, app, name: name.to_owned(), options }.connect(way)
}

impl Connecting<'_> {
    fn connect(mut self, way: Way) -> Result {
        // Not after somebody has typed a secret.
        let _ = self.vault.read()?;
        match way {
            Way::MarketplaceApp => runtime()?.block_on(self.through_browser())?,
            Way::ApiKey | Way::PrivateToken => runtime()?.block_on(self.with_token(way))?,
        }
        if let Some((variable, _)) = environment::token(&self.name, &self.app.app) {
            print::talk(format_args!(
                "{variable} is set, and goes before what is kept in the vault: unset it to use this."
            ));
        }
        Ok(Exit::Good)
    }

    /// The name may be given to this connection.
    fn is_free(&self) -> Result<()> {
        let Connecting { project, app, name, .. } = self;
        if let Some(other) = project.connection(name).filter(|c| c.app != app.app) {
            return Err(CommandError::usage(
                format!("`{name}` in linecook.yaml is a connection to {}", other.app),
                "choose another name with --name",
            ));
        }
        let open = Vault::look(self.vault.path())?;
        good_name(project, open.as_ref(), name, None)
    }

    /// The scopes that recipes need of this connection, each with those recipes.
    fn needed_scopes(&self, way: Way) -> BTreeMap<String, BTreeSet<String>> {
        load_project(&self.project.path).needed_scopes(&self.name, &self.app.app, way)
    }
}

/// Whether a connection may be called so. `own` is what it is called now.
pub fn good_name(
    project: &OpenProject,
    open: Option<&Open>,
    name: &str,
    own: Option<&str>,
) -> Result<()> {
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if !good || name == "app" {
        return Err(CommandError::usage(
            format!("a connection cannot be called `{name}`"),
            "a name has letters, digits, `-` and `_`, and begins with a letter",
        ));
    }
    let variable = token_variable(name);
    let others = project.file.written.connections.keys();
    let mut others = others.filter(|other| *other != name && own != Some(other.as_str()));
    if let Some(other) = others.find(|other| token_variable(other) == variable) {
        return Err(CommandError::usage(
            format!("`{name}` and `{other}` would share the environment variable {variable}"),
            "choose another name",
        ));
    }
    let now = open.and_then(|open| open.renamed.get(name)).filter(|now| own != Some(now.as_str()));
    match now {
        None => Ok(()),
        Some(now) => Err(CommandError::usage(
            format!(
                "`{name}` is what `{now}` was called before, and webhook addresses and runs still know it by that name"
            ),
            format!("use `{now}`, or choose a name that is new"),
        )),
    }
}

/// The name that was given, else that of the connection there is, else a usual one.
fn name(project: &OpenProject, app: &App, given: Option<&str>) -> Result<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    match &project.connections_to(&app.app)[..] {
        [] => {
            let usual = if app.location.is_some() { "main" } else { &app.app };
            let is_free = project.connection(usual).is_none();
            Ok(if is_free { usual } else { &app.app }.to_owned())
        }
        [one] => Ok((*one).to_owned()),
        several => {
            let items: Vec<String> = several.iter().map(|name| (*name).to_owned()).collect();
            let question = format!("Which connection to {}", app.title);
            let otherwise = format!("say --name with one of these: {}", several.join(", "));
            Ok(items[ask::choose(&question, &items, otherwise)?].clone())
        }
    }
}

fn means(app: &App, args: &WayArgs) -> Result<Means> {
    let has_several = app.oauth.is_some();
    let chosen = match (args.app, args.private_token, args.workflow) {
        (true, ..) => Some(Means::With(Way::MarketplaceApp)),
        (_, true, _) => Some(Means::With(Way::PrivateToken)),
        (.., true) => Some(Means::Workflow),
        _ => None,
    };
    match (has_several, chosen) {
        (true, Some(chosen)) => Ok(chosen),
        (false, None) => Ok(Means::With(Way::ApiKey)),
        (false, Some(_)) => Err(CommandError::usage(
            format!("{} knows one way only: an API key", app.title),
            format!("say no more than `linecook connect {}`", app.app),
        )),
        (true, None) => {
            let items = [
                "A private integration token: for your own account, in two minutes",
                "A marketplace app: you sign in with the browser; for those who have registered an app",
                "A workflow with the action Custom Webhook: only events come in, nothing is written there",
            ];
            let question = format!("How do you want to connect to {}", app.title);
            let otherwise = "say --private-token, --app or --workflow";
            let items = items.map(str::to_owned);
            Ok(match ask::choose(&question, &items, otherwise)? {
                0 => Means::With(Way::PrivateToken),
                1 => Means::With(Way::MarketplaceApp),
                _ => Means::Workflow,
            })
        }
    }
}
