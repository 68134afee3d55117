//! Which account of the app: as `linecook.yaml` says, else as the person says.

use super::Connecting;
use crate::cli::ask;
use crate::cli::exit::{CommandError, Result};

impl Connecting<'_> {
    /// Where calls go: as `linecook.yaml` says, for a new connection as an option says, else the app's own.
    pub(super) fn base_url(&self) -> Result<String> {
        let written = self.project.connection(&self.name).map(|c| c.base_url.as_deref());
        let named = self.named("--base-url", written, self.options.base_url.as_deref())?;
        let own = || self.app.base_url.clone().unwrap_or_default();
        named.map_or_else(|| Ok(own()), |address| self.project.server(self.app, address))
    }

    /// The page at which people agree, where one is named.
    pub(super) fn authorize_url(&self) -> Result<Option<String>> {
        let written = self.project.connection(&self.name).map(|c| c.authorize_url.as_deref());
        let given = self.options.sign_in.authorize_url.as_deref();
        let named = self.named("--authorize-url", written, given)?;
        named.map(|address| self.project.server(self.app, address)).transpose()
    }

    /// What the file says of a connection that is there goes before all else.
    fn named<'a>(
        &self,
        option: &str,
        written: Option<Option<&'a str>>,
        given: Option<&'a str>,
    ) -> Result<Option<&'a str>> {
        match (written, given) {
            (Some(written), Some(given)) if written != Some(given) => Err(CommandError::usage(
                format!(
                    "linecook.yaml has the connection `{}` already, and says something else than {option} {given}",
                    self.name
                ),
                "change it there, and leave the option out",
            )),
            (Some(written), _) => Ok(written),
            (None, given) => Ok(given),
        }
    }

    /// The account that is named already, by `linecook.yaml` or an option.
    pub(super) fn named_location(&self) -> Result<Option<String>> {
        let (name, written) = (&self.name, self.project.location(&self.name));
        let given = self.options.location.as_deref().map(str::trim);
        if self.app.location.is_none() && given.is_some() {
            return Err(CommandError::usage(
                format!("{} has no accounts to choose from", self.app.title),
                "leave out --location",
            ));
        }
        match (written, given) {
            (Some(written), Some(given)) if written != given => Err(CommandError::usage(
                format!("`{name}` in linecook.yaml is the account {written}, not {given}"),
                "for another account make a connection of its own: --name",
            )),
            (_, Some(given)) => good_id(given).map(Some),
            (written, None) => Ok(written.map(str::to_owned)),
        }
    }

    /// The account, asked for where nobody has named it; none for an app without accounts.
    pub(super) fn location(&self) -> Result<Option<String>> {
        if self.app.location.is_none() {
            return self.named_location();
        }
        if let Some(named) = self.named_location()? {
            return Ok(Some(named));
        }
        let question = "Id of the account (it stands in HighLevel's address bar behind /location/)";
        let typed = ask::line(question, "say --location ID")?;
        good_id(&typed).map(Some)
    }
}

fn good_id(text: &str) -> Result<String> {
    let good = !text.is_empty()
        && text.len() <= 100
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    match good {
        true => Ok(text.to_owned()),
        false => Err(CommandError::usage(
            format!("`{text}` is not the id of an account"),
            "copy it from HighLevel's address bar: the letters and digits behind /location/",
        )),
    }
}
