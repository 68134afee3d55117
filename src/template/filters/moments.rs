//! Filters on dates and times. A text is read as a date first: without a zone of its own it is taken
//! in the project's time zone.

use minijinja::Value;

use super::super::value::MomentValue;
use super::{Apply, Filter, Gives, about, needed, optional, text, whole_number};
use crate::value::{Defaults, Kind, Moment, ValueError};

const DATES: &[Kind] = &[Kind::Moment, Kind::String];
const MOMENT: Gives = Gives::Kind(Kind::Moment);
const STRING: Gives = Gives::Kind(Kind::String);

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "date",
        takes: DATES,
        arguments: &[optional("format", Kind::String)],
        gives: STRING,
        about: "The day, as 2026-03-02 or in a format of your own (%-d day, %B month, %Y year).",
        example: ("'2026-03-02 19:13:41' | date('%-d %B %Y')", "2 March 2026"),
        apply: Apply::Filled(|defaults, input, arguments| match arguments.first() {
            Some(format) => Ok(moment(defaults, input)?.format(&text(format)?)?.into()),
            None => Ok(moment(defaults, input)?.to_date_text().into()),
        }),
    },
    Filter {
        name: "datetime",
        takes: DATES,
        arguments: &[optional("format", Kind::String)],
        gives: STRING,
        about: "Day and time, as 2026-03-02 09:00 or in a format of your own (%H hour, %M minute).",
        example: ("'2026-03-02T09:00:00Z' | datetime", "2026-03-02 09:00"),
        apply: Apply::Filled(|defaults, input, arguments| {
            let format = arguments.first().map(text).transpose()?;
            Ok(moment(defaults, input)?
                .format(format.as_deref().unwrap_or("%Y-%m-%d %H:%M"))?
                .into())
        }),
    },
    Filter {
        name: "at",
        takes: DATES,
        arguments: &[needed("time", Kind::String)],
        gives: MOMENT,
        about: "The same day at that time of day.",
        example: ("'2026-03-02' | at('09:00')", "2026-03-02T09:00:00Z"),
        apply: Apply::Filled(|defaults, input, arguments| {
            give(moment(defaults, input)?.at(&text(&arguments[0])?), &arguments[0])
        }),
    },
    Filter {
        name: "add_days",
        takes: DATES,
        arguments: &[needed("days", Kind::Integer)],
        gives: MOMENT,
        about: "So many days later (or earlier, with a minus), at the same time of day.",
        example: ("'2026-03-02' | add_days(14)", "2026-03-16T00:00:00Z"),
        apply: Apply::Filled(|defaults, input, arguments| {
            give(moment(defaults, input)?.add_days(whole_number(&arguments[0])?), &arguments[0])
        }),
    },
    Filter {
        name: "add_hours",
        takes: DATES,
        arguments: &[needed("hours", Kind::Integer)],
        gives: MOMENT,
        about: "So many hours later, or earlier with a minus.",
        example: ("'2026-03-02T10:00:00Z' | add_hours(-2)", "2026-03-02T08:00:00Z"),
        apply: Apply::Filled(|defaults, input, arguments| {
            give(moment(defaults, input)?.add_hours(whole_number(&arguments[0])?), &arguments[0])
        }),
    },
    Filter {
        name: "add_minutes",
        takes: DATES,
        arguments: &[needed("minutes", Kind::Integer)],
        gives: MOMENT,
        about: "So many minutes later, or earlier with a minus.",
        example: ("'2026-03-02T10:00:00Z' | add_minutes(30)", "2026-03-02T10:30:00Z"),
        apply: Apply::Filled(|defaults, input, arguments| {
            give(moment(defaults, input)?.add_minutes(whole_number(&arguments[0])?), &arguments[0])
        }),
    },
    Filter {
        name: "add_weeks",
        takes: DATES,
        arguments: &[needed("weeks", Kind::Integer)],
        gives: MOMENT,
        about: "So many weeks later, or earlier with a minus.",
        example: ("'2026-03-02' | add_weeks(2)", "2026-03-16T00:00:00Z"),
        apply: Apply::Filled(|defaults, input, arguments| {
            let weeks = whole_number(&arguments[0])?;
            give(moment(defaults, input)?.add_weeks(weeks), &arguments[0])
        }),
    },
    Filter {
        name: "add_months",
        takes: DATES,
        arguments: &[needed("months", Kind::Integer)],
        gives: MOMENT,
        about: "So many months later; the 31st becomes the last day of a shorter month.",
        example: ("'2026-01-31' | add_months(1)", "2026-02-28T00:00:00Z"),
        apply: Apply::Filled(|defaults, input, arguments| {
            give(moment(defaults, input)?.add_months(whole_number(&arguments[0])?), &arguments[0])
        }),
    },
    Filter {
        name: "zone",
        takes: DATES,
        arguments: &[needed("time zone", Kind::String)],
        gives: MOMENT,
        about: "The same moment on the clocks of another time zone.",
        example: ("'2026-03-02T10:00:00Z' | zone('America/New_York')", "2026-03-02T05:00:00-05:00"),
        apply: Apply::Filled(|defaults, input, arguments| {
            give(moment(defaults, input)?.in_zone(&text(&arguments[0])?), &arguments[0])
        }),
    },
];

fn moment(defaults: &Defaults, value: &Value) -> Result<Moment, ValueError> {
    match value.downcast_object_ref::<MomentValue>() {
        Some(moment) => Ok(moment.0.clone()),
        // A point in time that an app gave is shown on the project's clocks.
        None => {
            let read =
                Moment::parse(&text(value)?, &defaults.timezone).map_err(|e| about(value, e))?;
            Ok(Moment::from_timestamp(read.timestamp(), &defaults.timezone))
        }
    }
}

/// `with` is what the filter worked with, for the message when it cannot.
fn give(moment: Result<Moment, ValueError>, with: &Value) -> Result<Value, ValueError> {
    moment.map(|m| Value::from_object(MomentValue(m))).map_err(|e| about(with, e))
}
