//! `pick:` of settings: is there such a thing in the accounts that the recipe works with?

use serde_json::Value;

use super::Checker;
use super::custom_fields::scope_of;
use crate::catalog::Catalog;
use crate::diagnostic::{self, Diagnostic, Place};
use crate::recipe::Setting;
use crate::snapshot::{NoPick, Pick, Snapshots, Who};
use crate::source::Route;
use crate::value::Kind;

impl Checker<'_> {
    /// What a setting lets a person pick.
    pub(super) fn pick(&mut self, setting: &Setting, here: &Route) -> Option<Pick> {
        let written = setting.pick.as_deref()?;
        if !matches!(setting.kind, Kind::Any | Kind::String) {
            self.sink.say(diagnostic::pick_is_text(&here.key("type")));
            return None;
        }
        match Pick::read(self.catalog, written) {
            Ok(pick) => Some(pick),
            Err(near) => {
                let all: Vec<String> = Pick::all(self.catalog).iter().map(Pick::name).collect();
                self.sink.say(diagnostic::unknown_pick(&here.key("pick"), written, near, &all));
                None
            }
        }
    }

    /// Whether every account has what is written for a pick. Where nobody has looked, an id is taken as it
    /// is.
    pub(super) fn can_be_picked(&mut self, pick: &Pick, written: &Value, place: Place) {
        let Some(written) = written.as_str().filter(|text| !text.trim().is_empty()) else { return };
        for who in self.known.snapshots.clone().of(&pick.app) {
            let Some(snapshot) = &who.snapshot else { continue };
            if let Err(problem) = snapshot.picked(pick.kind, written) {
                self.sink.say(not_picked(self.catalog, pick, who, place.clone(), written, problem));
            }
        }
    }
}

/// What recipes send for what a person wrote: in the first account that has it. Where nobody has looked it is
/// taken as it is.
///
/// # Errors
/// What to say where accounts are known and none has it.
pub(super) fn picked(
    catalog: &Catalog,
    pick: &Pick,
    snapshots: &Snapshots,
    written: &str,
) -> Result<String, Box<Diagnostic>> {
    let mut problem = None;
    for who in snapshots.of(&pick.app) {
        let Some(snapshot) = &who.snapshot else { continue };
        match snapshot.picked(pick.kind, written) {
            Ok(sent) | Err(NoPick::Renamed { sent, .. }) => return Ok(sent),
            Err(other) => {
                let place = Place::File;
                problem.get_or_insert_with(|| {
                    Box::new(not_picked(catalog, pick, who, place, written, other))
                });
            }
        }
    }
    problem.map_or_else(|| Ok(written.to_owned()), Err)
}

/// Why there is no such thing to pick.
pub(super) fn not_picked(
    catalog: &Catalog,
    pick: &Pick,
    who: &Who,
    place: Place,
    written: &str,
    problem: NoPick,
) -> Diagnostic {
    let (what, connection) = (pick.kind.in_words(), who.connection.as_deref());
    match problem {
        NoPick::NotRead => {
            let part = pick.kind.part();
            let scope = scope_of(catalog, &pick.app, part);
            diagnostic::not_read(place, connection, part.several(), scope.as_deref())
        }
        NoPick::Several(exactly) => diagnostic::ambiguous_name(place, what, written, &exactly),
        NoPick::Renamed { now, .. } => diagnostic::renamed_in_account(place, what, written, &now),
        NoPick::Gone(since) => {
            diagnostic::gone_from_account(place, what, written, connection, &since.to_string())
        }
        NoPick::Nothing { near, known } => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            diagnostic::not_in_account(place, what, written, connection, near, &known)
        }
    }
}
