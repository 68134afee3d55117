//! What is asked for, shown before a person agrees to it; and what has been granted of it.

use std::collections::BTreeSet;

use super::{Connecting, Scopes, clicks};
use crate::catalog::OAuth;
use crate::cli::exit::{CommandError, Result};
use crate::cli::print;
use crate::connection::Way;

impl Connecting<'_> {
    /// The scopes to ask for: what recipes need, and what the person wants besides.
    pub(super) fn asked_for(&self, oauth: &OAuth) -> Result<Scopes> {
        let options = &self.options.sign_in;
        let mut scopes = self.needed_scopes(Way::MarketplaceApp);
        for scope in &options.scopes {
            scopes.entry(scope.clone()).or_insert_with(|| ["asked for by you".to_owned()].into());
        }
        if options.company {
            for scope in &oauth.company_scopes {
                let why = "to get the account's token with that of its company";
                scopes.entry(scope.clone()).or_insert_with(|| [why.to_owned()].into());
            }
        }
        match scopes.is_empty() {
            false => Ok(scopes),
            true => Err(CommandError::usage(
                format!(
                    "no recipe of this project calls {} through `{}` yet, so there is nothing to ask for",
                    self.app.title, self.name
                ),
                "install a recipe first, or say what it will need: --scope contacts.readonly",
            )),
        }
    }

    pub(super) fn show_asked(&self, scopes: &Scopes) {
        print::talk(format_args!(
            "linecook asks {} for this, and for nothing else:",
            self.app.title
        ));
        print::talk(clicks::listed(scopes));
    }
}

/// What recipes cannot do, because less was granted than was asked for.
pub fn missing(asked: &Scopes, granted: Option<&[String]>) -> Option<String> {
    let granted: BTreeSet<&str> = granted?.iter().map(String::as_str).collect();
    let missing = asked.iter().filter(|(scope, _)| !granted.contains(scope.as_str()));
    let missing: Scopes =
        missing.map(|(scope, recipes)| (scope.clone(), recipes.clone())).collect();
    match missing.len() {
        0 => None,
        1 => Some(format!("This was asked for and not granted:\n{}", clicks::listed(&missing))),
        _ => Some(format!("These were asked for and not granted:\n{}", clicks::listed(&missing))),
    }
}
