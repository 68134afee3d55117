//! `wait`: a length of time, or a moment.

use serde_json::Value;

use super::Checker;
use super::checked::{CheckedWait, Content, Mapping};
use crate::catalog::Field;
use crate::diagnostic;
use crate::source::Route;
use crate::template::Template;
use crate::value::{Kind, Moment, duration};

impl Checker<'_> {
    pub(super) fn wait(&mut self, written: &str, route: &Route) -> Option<CheckedWait> {
        if Template::has_template(written) {
            return self.wait_until(written, route);
        }
        if let Some(length) = duration::parse(written) {
            return Some(CheckedWait::For(length));
        }
        if Moment::parse(written, &jiff::tz::TimeZone::UTC).is_err() {
            self.sink.say(diagnostic::bad_wait(route, written));
            return None;
        }
        // A time without a zone is one on the project's clocks, which are not known here.
        let content = Content::Literal(Value::from(written));
        Some(CheckedWait::Until(Mapping { place: self.place(route), content }))
    }

    fn wait_until(&mut self, written: &str, route: &Route) -> Option<CheckedWait> {
        let (template, typed) = super::template::text(written, route, &mut self.known, self.sink)?;
        if !may_be_moment(&typed.field) {
            let gives = match typed.field.format {
                Some(format) => format.in_words(),
                None => typed.field.kind.in_words(),
            };
            self.sink.say(diagnostic::wait_type(route, gives));
            return None;
        }
        if typed.may_be_empty || typed.clears {
            self.sink.say(diagnostic::may_be_empty_required(route, "wait", template.source()));
        }
        let place = self.place(route);
        Some(CheckedWait::Until(Mapping { place, content: Content::Template(template) }))
    }
}

/// Whether a value of this type can be a moment or a length of time.
fn may_be_moment(field: &Field) -> bool {
    field.kind.fits(Kind::String) && field.format.is_none_or(|format| format.is_date())
}
