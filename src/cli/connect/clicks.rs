//! Where to click in the apps. Their pages change: each step says what to look for.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::App;
use crate::connection::Way;

/// Scopes, each with who needs it.
pub type Scopes = BTreeMap<String, BTreeSet<String>>;

/// How to get an API key or a private integration token.
pub fn for_token(app: &App, way: Way, scopes: &Scopes) -> Vec<String> {
    match (app.app.as_str(), way) {
        ("stax", _) => numbered(&[
            "Log in to Stax Pay. To try things out, choose your sandbox at the upper right first.".into(),
            "Click Apps on the left, then API Keys, then Launch.".into(),
            "Click New Key, name it linecook, give it a role that may do what your recipes do, and save.".into(),
            "Click the key beside it in the list and copy the key.".into(),
        ]),
        (_, Way::PrivateToken) => {
            let mut steps = vec![
                "Open HighLevel and switch to the account (sub-account) that linecook shall work in.".into(),
                "Click Settings, then Private Integrations (under Other Settings), then Create new Integration.".into(),
                "Name it linecook.".into(),
            ];
            steps.push(match scopes.is_empty() {
                true => "Tick the scopes that your recipes need: `linecook check` shows them when there are recipes.".into(),
                false => format!("Tick these scopes and no others:\n{}", listed(scopes)),
            });
            steps.push("Click Create and copy the token: it is shown only once.".into());
            numbered(&steps)
        }
        _ => numbered(&[format!("Get an API key of {} and copy it.", app.title)]),
    }
}

/// How to register a marketplace app.
pub fn for_app(redirect: &str, scopes: &Scopes) -> Vec<String> {
    let scopes = match scopes.is_empty() {
        true => String::new(),
        false => format!("\n{}", listed(scopes)),
    };
    numbered(&[
        "Open https://marketplace.gohighlevel.com, sign in as a developer, click My Apps and your app, or Create App (private, for sub-accounts).".into(),
        format!("In its settings for authentication (Auth) add the scopes that your recipes need.{scopes}"),
        format!("Add this redirect URL, exactly so:\n     {redirect}"),
        "Add a client key. Copy the client id and the client secret: the secret is shown only once.".into(),
    ])
}

/// How to have events sent by a workflow. Each address is for one event.
pub fn for_workflow() -> Vec<String> {
    numbered(&[
        "Open HighLevel, switch to the account, click Automation, then Create Workflow, and start from scratch.".into(),
        "Add the trigger that the event stands for, such as Contact Created.".into(),
        "Add the action Custom Webhook. Method POST, and as URL the address above for this event.".into(),
        "Save the action, switch the workflow from Draft to Publish, and save.".into(),
    ])
}

/// Where a credential is withdrawn at the app.
pub fn to_withdraw(app: &App, way: Way) -> &'static str {
    match (app.app.as_str(), way) {
        ("stax", _) => {
            "in Stax Pay click Apps, API Keys, Launch, then the key beside it in the list, and delete it"
        }
        (_, Way::PrivateToken) => {
            "in HighLevel click Settings, Private Integrations, then the three dots beside it, and delete it"
        }
        (_, Way::MarketplaceApp) => {
            "in HighLevel click Settings, Integrations (or App Marketplace, Installed Apps), then your app, and uninstall it"
        }
        _ => "delete it at the app",
    }
}

/// One line for each scope.
pub fn listed(scopes: &Scopes) -> String {
    let width = scopes.keys().map(|scope| scope.chars().count()).max().unwrap_or(0);
    let lines = scopes.iter().map(|(scope, recipes)| {
        let recipes: Vec<&str> = recipes.iter().map(String::as_str).collect();
        format!("     {scope:width$}  {}", recipes.join(", ")).trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn numbered(steps: &[String]) -> Vec<String> {
    steps.iter().enumerate().map(|(at, step)| format!("  {}. {step}", at + 1)).collect()
}
