//! `on: schedule`: can its times be read?

use super::Checker;
use super::checked_trigger::{Schedule, Times};
use crate::diagnostic;
use crate::recipe::Trigger;
use crate::source::Route;
use crate::value::{Cron, Defaults};

impl Checker<'_> {
    pub(super) fn schedule(&mut self, trigger: &Trigger, here: &Route) -> Option<Schedule> {
        if trigger.cron.is_none() {
            // A `cron` that was unreadable has had its message.
            if !self.file.is_touched(&here.key("cron")) {
                self.sink.say(diagnostic::schedule_without_cron(here));
            }
            return None;
        }
        let times = self.times(trigger, here)?;
        let missed = trigger.missed.unwrap_or_default();
        Some(Schedule { place: self.place(&here.key("cron")), times, missed })
    }

    /// `cron` and `timezone`. `None` when there is no `cron`, or one of them is wrong.
    pub(super) fn times(&mut self, trigger: &Trigger, here: &Route) -> Option<Times> {
        let mut good = true;
        if let Some(name) = &trigger.timezone
            && let Err(error) = Defaults::new(name, "US")
        {
            self.sink.say(diagnostic::bad_timezone(&here.key("timezone"), name, &error));
            good = false;
        }
        let cron = trigger.cron.as_ref()?;
        if let Err(error) = Cron::parse(cron) {
            self.sink.say(diagnostic::bad_cron(&here.key("cron"), cron, &error));
            good = false;
        }
        good.then(|| Times { cron: cron.trim().to_owned(), timezone: trigger.timezone.clone() })
    }
}
