//! Without a credential: the app's workflows post events to secret addresses of ours.

use super::{Connecting, clicks};
use crate::check::TriggerKind;
use crate::cli::exit::{CommandError, Exit, Result};
use crate::cli::print;
use crate::cli::project::{ReadyProject, load_project};
use crate::cli::runtime::runtime;
use crate::server::hook_secrets;
use crate::store::{Options, Store, StoreErrorKind};

impl Connecting<'_> {
    pub(super) fn by_workflow(mut self) -> Result {
        let location = self.location()?;
        self.write_connection(location.as_deref())?;
        let store = match Store::open(&self.project.store, Options::default()) {
            Err(error) if error.kind == StoreErrorKind::Taken => {
                Store::beside(&self.project.store, Options::default())?
            }
            other => other?,
        };
        let names = [self.name.clone()].into();
        let secrets = runtime()?.block_on(hook_secrets(&self.vault, &store, names));
        let secrets = secrets.map_err(|e| CommandError::environment(&e.message, &e.help))?;
        let secret = secrets[&self.name][0].secret.expose();

        let written = &self.project.file.written;
        let listen = written.listen.as_deref().unwrap_or("127.0.0.1:8377");
        let base = written.public_url.clone().unwrap_or_else(|| format!("http://{listen}"));
        let base = base.trim_end_matches('/');
        let ready = load_project(&self.project.path).ready;
        let events = self.events(ready.as_ref());
        match events.is_empty() {
            true => {
                print::open(format_args!("Post to  {base}/hooks/{}/{secret}/EVENT\n", self.name));
                print::talk(format_args!(
                    "No recipe is started by an event of {} yet. In place of EVENT belongs its name: `linecook catalog list --app {} --events`",
                    self.app.title, self.app.app
                ));
            }
            false => {
                for event in events {
                    print::line(format_args!("{}.{event}", self.app.app));
                    print::open(format_args!(
                        "  post to  {base}/hooks/{}/{secret}/{event}\n",
                        self.name
                    ));
                }
            }
        }
        print::talk("These addresses are secret: whoever knows one can start recipes.");
        if written.public_url.is_none() {
            print::talk(
                "`public_url` is not set, so they lead to this machine only: add it to linecook.yaml.",
            );
        }
        print::talk("For each event make a workflow that posts it:");
        clicks::for_workflow().iter().for_each(print::talk);
        Ok(Exit::Good)
    }

    /// The events of the app that start recipes through this connection.
    fn events(&self, ready: Option<&ReadyProject>) -> Vec<String> {
        let installations = ready.iter().flat_map(|ready| &ready.installations);
        let mut events = Vec::new();
        for installation in installations.filter(|i| i.enabled) {
            let trigger = &installation.plan.recipe.trigger;
            let chosen = installation.connections.get(&self.app.app);
            if !matches!(trigger.kind, TriggerKind::Webhook)
                || chosen.is_some_and(|name| *name != self.name)
            {
                continue;
            }
            for event in trigger.events.iter().filter(|event| event.app == self.app.app) {
                if !events.contains(&event.id) {
                    events.push(event.id.clone());
                }
            }
        }
        events
    }
}
