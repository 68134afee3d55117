//! How it all was at the start, to go back to it.

use super::World;
use super::failures::Failures;
use super::records::Records;
use super::settings::Settings;

/// What a world was started with.
#[derive(Clone)]
pub(super) struct Beginning {
    records: Records,
    settings: Settings,
    failures: Failures,
}

impl World {
    /// What is there now is what a reset goes back to; without this nothing is there then.
    pub fn begin(&mut self) {
        self.beginning = Some(Box::new(Beginning {
            records: self.records.clone(),
            settings: self.settings.clone(),
            failures: self.failures.clone(),
        }));
    }

    /// Goes back to the beginning: records, failures and settings are as they were, and no request or
    /// webhook is remembered. Tokens stay good.
    pub fn reset(&mut self) {
        let (records, settings, failures) = match self.beginning.as_deref().cloned() {
            Some(Beginning { records, settings, failures }) => (records, settings, failures),
            None => Default::default(),
        };
        self.records = records;
        self.settings = settings;
        self.failures = failures;
        self.by_key.clear();
        self.field_ids.clear();
        self.meters.clear();
        self.ledger.clear();
        self.outbox.forget();
    }
}
