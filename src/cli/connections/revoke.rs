//! `linecook connections revoke`.

use super::unknown;
use crate::catalog::{App, Catalog};
use crate::cli::confirm::ConfirmArgs;
use crate::cli::connect::to_withdraw;
use crate::cli::credentials::ProjectCredentials;
use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::print;
use crate::cli::project_file::OpenProject;
use crate::cli::runtime::runtime;
use crate::connection::{Connection, Credentials, Facts, Way};
use crate::http::oauth::TokenEndpoint;
use crate::vault::{Client, Grant, Stored, Vault};

#[derive(clap::Args)]
pub struct Args {
    /// The connection
    name: String,
    /// Only forget it here, and leave it at the app as it is
    #[arg(long)]
    only_here: bool,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

/// A credential that can be withdrawn at the app by a call.
struct Withdrawal {
    app: &'static App,
    client: Client,
    connection: Connection,
}

pub fn run(args: &Args) -> Result {
    let project = OpenProject::find()?;
    let vault = project.vault();
    let open = Vault::look(vault.path())?;
    let name = &args.name;
    let Some(facts) = open.as_ref().and_then(|open| open.connections.get(name)).cloned() else {
        return match project.connection(name) {
            Some(_) => Err(CommandError::usage(
                format!("`{name}` has no credential in the vault"),
                "a token in the environment is withdrawn at the app, and by unsetting the variable",
            )),
            None => Err(unknown(name, &project, open.as_ref())),
        };
    };
    let app = Catalog::embedded().app(&facts.app);
    let withdrawal = match args.only_here {
        true => None,
        false => withdrawal(&project, &vault, name, &facts)?,
    };
    let title = app.map_or(facts.app.as_str(), |app| app.title.as_str());
    let account = facts.location_id.as_deref().unwrap_or_default();
    let (what, mut know) = match &withdrawal {
        None => (format!("forgets the {} of `{name}`", facts.way.words()), Vec::new()),
        Some(_) => (
            format!("uninstalls your app from the account {account}, and forgets its tokens"),
            vec![format!(
                "Everything that your app does in the account {account} of {title} comes to an end, for other connections to it too."
            )],
        ),
    };
    know.push(format!("Recipes that call {title} through `{name}` will fail."));
    if !args.confirm.confirm(what, &know)? {
        print::talk("Nothing was done.");
        return Ok(Exit::Good);
    }

    // First there: the token for it is forgotten here.
    let there = match &withdrawal {
        None => None,
        Some(withdrawal) => Some(runtime()?.block_on(withdraw(&project, name, withdrawal))),
    };
    {
        // Nobody stores a renewed one afterwards.
        let _lock = vault.lock(name)?;
        vault.change(|contents| contents.connections.remove(name))?;
    }
    print::line(format_args!("`{name}` is forgotten here."));
    let by_hand = app.map_or("delete it at the app", |app| to_withdraw(app, facts.way));
    match there {
        Some(Ok(())) => {
            print::line(format_args!("Your app is uninstalled from the account {account}."));
            Ok(Exit::Good)
        }
        Some(Err(why)) => {
            print::talk(CommandError::problem(format_args!("{title} did not withdraw it: {why}")));
            print::talk(format_args!("Do it there: {by_hand}."));
            Ok(Exit::Problems)
        }
        None => {
            print::line(format_args!("At {title} it is still good. To withdraw it: {by_hand}."));
            Ok(Exit::Good)
        }
    }
}

fn withdrawal(
    project: &OpenProject,
    vault: &Vault,
    name: &str,
    facts: &Facts,
) -> Result<Option<Withdrawal>> {
    let app = Catalog::embedded().app(&facts.app);
    let can = |app: &&App| app.oauth.as_ref().is_some_and(|oauth| oauth.uninstall.is_some());
    let Some(app) = app.filter(can).filter(|_| facts.way == Way::MarketplaceApp) else {
        return Ok(None);
    };
    let mut contents = vault.read()?;
    let Some(Stored { grant: Grant::OAuth(grant), .. }) = contents.connections.remove(name) else {
        return Ok(None);
    };
    let named = project.connection(name).and_then(|connection| connection.base_url.as_deref());
    let base_url = match named {
        Some(address) => project.server(app, address)?,
        None => app.base_url.clone().unwrap_or_default(),
    };
    let connection = Connection {
        app: app.app.clone(),
        base_url,
        location_id: facts.location_id.clone(),
        access: Default::default(),
        rotation: None,
    };
    let client = contents.clients.remove(&grant.client);
    Ok(client.map(|client| Withdrawal { app, client, connection }))
}

/// Withdraws it at the app; why not, where that went wrong.
async fn withdraw(
    project: &OpenProject,
    name: &str,
    withdrawal: &Withdrawal,
) -> std::result::Result<(), String> {
    let Withdrawal { app, client, connection } = withdrawal;
    let known = [(name.to_owned(), connection.clone())].into();
    let credentials = ProjectCredentials::given(Default::default());
    let credentials = credentials.with_vault(&project.store, known);
    let token = credentials.token(name).await.map_err(|none| none.message)?;
    let token = token.ok_or("there is no token for it any more")?;
    let endpoint = TokenEndpoint::of(app, Some(&connection.base_url)).map_err(|e| e.to_string())?;
    let location = connection.location_id.as_deref().unwrap_or_default();
    let done = endpoint.uninstall(&token, client, location).await;
    credentials.settled().await;
    done.map_err(|e| e.to_string())
}
