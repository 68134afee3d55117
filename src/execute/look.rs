//! A look into an app for a record that a call may have made: its searches come in; the record goes
//! out, or that it is not there, or why nobody can tell.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::attempt::Setback;
use super::call_step::CallStep;
use super::drive::End;
use super::engine::Interrupt;
use crate::catalog::{ListShape, Operation, Probe, value_at};
use crate::journal::StepErrorKind;
use crate::plan::{self, PlannedRequest};
use crate::template::Scope;
use crate::value::{Defaults, Moment};

/// The most pages that one search reads.
const MAX_PAGES: u64 = 40;
/// Clocks differ, and Stax counts in whole seconds: a record may seem older by this than the call that
/// made it.
pub(super) const CLOCK_ALLOWANCE: SignedDuration = SignedDuration::from_secs(10);

/// What to look for, and where.
pub(super) struct Look {
    pub list: Arc<Operation>,
    /// One after the other.
    pub searches: Vec<Search>,
    /// Nothing where no older record can be meant.
    pub age: Option<Age>,
}

/// One search through the list.
pub(super) struct Search {
    /// The field that it goes by, for people.
    pub by: String,
    pub asks: Asks,
    pub wanted: Wanted,
}

/// What a search asks of the list.
pub(super) enum Asks {
    /// This.
    Request(Box<PlannedRequest>),
    /// What belongs to the call that is looked for, with this in its query: made only when somebody looks,
    /// which is seldom.
    Query(Vec<(String, Value)>),
}

/// Which record it is.
pub(super) enum Wanted {
    /// The one with this reference in a text.
    Reference { field: String, reference: String },
    /// The one with the fields of `has`, and with those of `agrees` where it holds anything there.
    Fields { has: Map<String, Value>, agrees: Map<String, Value> },
}

/// How old the record may be.
pub(super) struct Age {
    pub probe: Probe,
    /// Before the first try.
    pub sent: Timestamp,
    /// It is found by a reference that nobody else has, so its time does not matter.
    pub is_unique: bool,
}

/// What a look has shown.
pub(super) enum Found {
    There(Value),
    Missing,
    /// Nobody can tell; and why, where there is something to say.
    Unclear(Option<String>),
}

impl CallStep<'_, '_> {
    /// Looks whether `made` has made its record.
    pub(super) async fn look(
        &mut self,
        round: u32,
        look: &Look,
        made: &PlannedRequest,
    ) -> Result<Found, End> {
        let mut pages_read = 0;
        let mut unclear = None;
        for search in &look.searches {
            let request = match &search.asks {
                Asks::Request(request) => Ok((**request).clone()),
                Asks::Query(query) => self.look_up(&look.list, made, query.clone()),
            };
            let Ok(request) = request else {
                let why = format!("it cannot be looked for by its {}", search.by);
                unclear.get_or_insert(why);
                continue;
            };
            match self.search(round, look, search, request, &mut pages_read).await? {
                Found::There(record) => return Ok(Found::There(record)),
                Found::Missing => {}
                Found::Unclear(why) => unclear = unclear.or(why),
            }
        }
        Ok(unclear.map_or(Found::Missing, |why| Found::Unclear(Some(why))))
    }

    async fn search(
        &mut self,
        round: u32,
        look: &Look,
        search: &Search,
        request: PlannedRequest,
        pages_read: &mut u64,
    ) -> Result<Found, End> {
        let list = &*look.list;
        let Some(shape) = &list.list else { return Ok(Found::Unclear(None)) };
        let mut falling = Falling::default();
        for number in 1..=MAX_PAGES {
            let page = plan::page(&request, list, number);
            let size = plan::page_size(&page.request, list);
            *pages_read += 1;
            let part = format!("settle-{round}-look-{pages_read}");
            let response = match self.read(&part, list, page, None).await {
                Ok(Ok(response)) => response,
                // What it would belong to is gone, and so is it.
                Ok(Err(error)) if error.kind == StepErrorKind::NotFound => {
                    return Ok(Found::Missing);
                }
                Ok(Err(error)) | Err(End::Interrupted(Interrupt::OutOfPatience, error)) => {
                    let why = format!("looking for it did not work: {}", error.message);
                    return Ok(Found::Unclear(Some(why)));
                }
                Err(end) => return Err(end),
            };
            let zone = self.drive.zone(&list.app);
            for item in shape.read_items(&response.body) {
                let item = plan::with_zones(&shape.of, item, zone);
                falling.see(look.age.as_ref().and_then(|age| age.of(&item)));
                if !search.wanted.is(&item, shape, self.scope.defaults()) {
                    continue;
                }
                let age = look.age.as_ref();
                match age.map_or(Ok(()), |age| age.fits(&item, &search.by, self.scope)) {
                    Ok(()) => return Ok(Found::There(item)),
                    Err(why) if shape.shows_one(&response.body) => {
                        return Ok(Found::Unclear(Some(why)));
                    }
                    // Where all are shown, an older one hides nothing.
                    Err(_) => {}
                }
            }
            let rest_is_older = !shape.newest.is_empty()
                && look.age.as_ref().is_some_and(|age| falling.is_below(age.oldest()));
            if rest_is_older || shape.is_last_page(&response.body, number, size) {
                return Ok(Found::Missing);
            }
        }
        let why =
            format!("it is not on the first {MAX_PAGES} pages of the list, and there are more");
        Ok(Found::Unclear(Some(why)))
    }
}

impl Look {
    /// Whether the record is looked for after this refusal too. One that names a duplicate speaks of a
    /// record that was there before, unless an earlier try may have made it.
    pub fn covers(&self, setback: &Setback, in_doubt: bool) -> bool {
        let Some(Age { probe, .. }) = &self.age else { return false };
        let (true, Ok(response)) = (probe.after_refusals, &setback.outcome) else { return false };
        // Whoever may not call may not look either.
        let is_refusal = matches!(response.status, 400..=499)
            && !matches!(response.status, 401 | 403)
            && setback.kind != StepErrorKind::GaveUp;
        let duplicate = probe.duplicate.as_ref().and_then(|path| value_at(&response.body, path));
        is_refusal && (in_doubt || duplicate.is_none_or(Value::is_null))
    }
}

impl Wanted {
    fn is(&self, record: &Value, shape: &ListShape, defaults: &Defaults) -> bool {
        match self {
            Wanted::Reference { field, reference } => value_at(record, field)
                .and_then(Value::as_str)
                .is_some_and(|text| text.contains(reference.as_str())),
            Wanted::Fields { has, agrees } => {
                let is_blank = |name: &str| match record.get(name) {
                    None | Some(Value::Null) => true,
                    Some(value) => value.as_str().is_some_and(|text| text.trim().is_empty()),
                };
                let held = agrees.clone().into_iter().filter(|(name, _)| !is_blank(name));
                plan::matches(&shape.of, record, has, defaults)
                    && plan::matches(&shape.of, record, &held.collect(), defaults)
            }
        }
    }
}

impl Age {
    /// When a record was made.
    fn of(&self, record: &Value) -> Option<Timestamp> {
        let text = value_at(record, &self.probe.created)?.as_str()?;
        Some(Moment::parse(text, &jiff::tz::TimeZone::UTC).ok()?.timestamp())
    }

    /// The oldest that a record of this call can seem to be.
    fn oldest(&self) -> Timestamp {
        self.sent.checked_sub(CLOCK_ALLOWANCE).unwrap_or(Timestamp::MIN)
    }

    /// Whether a record can be of this call, or why nobody can tell.
    fn fits(&self, record: &Value, by: &str, scope: &Scope) -> Result<(), String> {
        let id = record.get("id").and_then(Value::as_str);
        match self.of(record) {
            _ if self.is_unique => Ok(()),
            _ if id.is_some_and(|id| scope.has_result(id)) => Err(format!(
                "one with this {by} is there since an earlier step, and may hide a new one"
            )),
            Some(made) if made >= self.oldest() => Ok(()),
            Some(made) => Err(format!(
                "one with this {by} was made at {made:.0}, before this call at {:.0}, and may hide a \
                 new one",
                self.sent
            )),
            None => Err(format!("one with this {by} is there, and does not say since when")),
        }
    }
}

/// Whether what has been read of a list goes from new to old, and how far.
#[derive(Default)]
struct Falling {
    last: Option<Timestamp>,
    has_fallen: bool,
    is_broken: bool,
}

impl Falling {
    fn see(&mut self, made: Option<Timestamp>) {
        self.is_broken |= made.is_none() || (self.last.is_some() && made > self.last);
        self.has_fallen |= self.last.is_some() && made < self.last;
        self.last = made;
    }

    /// An app may not know the order that it is asked for: only what has been seen to fall is believed.
    fn is_below(&self, oldest: Timestamp) -> bool {
        self.has_fallen && !self.is_broken && self.last.is_some_and(|last| last < oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_list_that_falls_is_believed_to_end_early() {
        let at = |second: i64| Timestamp::from_second(second).ok();
        let below_five = |times: &[Option<Timestamp>]| {
            let mut falling = Falling::default();
            times.iter().for_each(|made| falling.see(*made));
            falling.is_below(at(5).unwrap())
        };
        assert!(below_five(&[at(9), at(9), at(4)]));
        assert!(!below_five(&[at(9), at(6)]));
        assert!(!below_five(&[at(1), at(2), at(1)]), "it rises first");
        assert!(!below_five(&[at(1), at(1)]), "it may rise later");
        assert!(!below_five(&[at(9), None, at(4)]));
    }
}
