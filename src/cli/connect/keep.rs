//! Keeps what was proven: the credential in the vault, the connection in `linecook.yaml`; and says so.

use jiff::Timestamp;

use super::{Connecting, clicks};
use crate::cli::exit::Result;
use crate::cli::print;
use crate::connection::{Facts, Way};
use crate::project::{WrittenConnection, connection_lines, with_connection, with_location};
use crate::vault::{Contents, Grant, KEY_VARIABLE, KeyPlace, KeyPlaces, Previous, Stored, Vault};

impl Connecting<'_> {
    /// Keeps a credential. What was there before stays good until the new one has been used.
    pub(super) fn keep(&mut self, facts: Facts, grant: Grant) -> Result<()> {
        let way = facts.way;
        let before = self.keep_with(facts, grant, |_| ())?;
        self.say_replaced(before, way);
        Ok(())
    }

    /// What to do about what was there before.
    pub(super) fn say_replaced(&self, before: Option<Way>, now: Way) {
        let Some(before) = before else { return };
        print::line(
            "A service that runs takes the new one over by itself; until then the old one is good too.",
        );
        // The old tokens of an app go by themselves.
        if (before, now) != (Way::MarketplaceApp, Way::MarketplaceApp) {
            let how = clicks::to_withdraw(self.app, before);
            print::line(format_args!("Now withdraw the old {}: {how}.", before.words()));
        }
    }

    /// The same, with something else that belongs to it; gives the way of what was there before.
    pub(super) fn keep_with(
        &mut self,
        facts: Facts,
        grant: Grant,
        more: impl FnOnce(&mut Contents),
    ) -> Result<Option<Way>> {
        let is_new_vault = !self.vault.exists();
        let location = facts.location_id.clone();
        let kind = format!(
            "{}{}",
            facts.way.words(),
            match facts.is_sandbox {
                Some(true) => " of a sandbox",
                Some(false) => " of the real account",
                None => "",
            }
        );
        let name = self.name.clone();
        let replaced = {
            // Nobody renews what is being replaced.
            let _lock = self.vault.lock(&name)?;
            self.vault.change(|contents| {
                more(contents);
                let before = contents.connections.remove(&name);
                let way = before.as_ref().map(|before| before.facts.way);
                let previous = before.filter(|before| before.facts.lost.is_none()).map(|before| {
                    let Stored { facts, grant, .. } = before;
                    Previous { facts, grant, replaced_at: Timestamp::now() }
                });
                contents.connections.insert(name.clone(), Stored { facts, grant, previous });
                way
            })?
        };
        let account = location.as_deref().map_or_else(String::new, |id| format!(", account {id}"));
        print::line(format_args!(
            "Connected: `{name}` is {}{account}, with the {kind}.",
            self.app.title
        ));
        print::line(format_args!("It is kept encrypted in {}.", self.vault.path().display()));
        if is_new_vault {
            self.say_where_the_key_is()?;
        }
        self.write_connection(location.as_deref())?;
        Ok(replaced)
    }

    fn say_where_the_key_is(&self) -> Result<()> {
        let place = Vault::look(self.vault.path())?.map(|open| open.key_place);
        print::line(match place {
            Some(KeyPlace::Environment) => format!("Its key is what {KEY_VARIABLE} holds."),
            Some(KeyPlace::Keyring) => "Its key is in the keyring of this system.".to_owned(),
            _ => {
                let file = KeyPlaces::of_this_user().file.unwrap_or_default();
                format!(
                    "Its key is in {}, which only you can read. Without it nobody can open the vault, you neither.",
                    file.display()
                )
            }
        });
        Ok(())
    }

    /// Writes the connection into `linecook.yaml`, where it is not there or its account was left open.
    pub(super) fn write_connection(&mut self, location: Option<&str>) -> Result<()> {
        let (name, file) = (self.name.clone(), self.project.path.display().to_string());
        let connection = match self.project.connection(&name) {
            None => WrittenConnection {
                app: self.app.app.clone(),
                location_id: location.map(str::to_owned),
                base_url: self.options.base_url.clone(),
                authorize_url: self.options.sign_in.authorize_url.clone(),
                ..WrittenConnection::default()
            },
            Some(written) => {
                let (Some(location), None) = (location, self.project.location(&name)) else {
                    return Ok(());
                };
                let connection =
                    WrittenConnection { location_id: Some(location.to_owned()), ..written.clone() };
                if self.project.edit(|text| with_location(text, &name, location))? {
                    print::line(format_args!("The account was written into {file}."));
                    return Ok(());
                }
                return self.by_hand(&connection);
            }
        };
        match self.project.edit(|text| with_connection(text, &name, &connection))? {
            true => {
                print::line(format_args!("The connection `{name}` was added to {file}."));
                Ok(())
            }
            false => self.by_hand(&connection),
        }
    }

    fn by_hand(&self, connection: &WrittenConnection) -> Result<()> {
        print::line(format_args!(
            "{} cannot be changed without a risk for what stands there. Write this into it yourself:\n\n{}",
            self.project.path.display(),
            connection_lines(&self.name, connection),
        ));
        Ok(())
    }
}
