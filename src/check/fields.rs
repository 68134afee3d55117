//! The fields of a call: does the operation have them, do the values fit, is anything missing.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::catalog::{Field, FieldError, Fit, Misfit, MisfitKind, Operation, Presence, Slot};
use crate::diagnostic::{self, nearest};
use crate::source::Route;
use crate::template::Template;
use crate::value::{Defaults, Kind};

use super::Checker;
use super::checked::{Content, Input, Mapping, TagChange};
use super::infer::Typed;

/// What `with` comes to.
#[derive(Default)]
pub(super) struct With {
    pub inputs: Vec<Input>,
    pub body: Option<Mapping>,
    pub tags: Option<TagChange>,
}

impl Checker<'_> {
    pub(super) fn with(
        &mut self,
        operation: &Arc<Operation>,
        written: &Map<String, Value>,
        step: &Route,
        replace_tags: bool,
    ) -> With {
        let route = step.key("with");
        let mut with = With::default();
        let mut present: Vec<(Slot, String)> = Vec::new();
        // A field under a misspelt name is not missing as well.
        let mut meant: Vec<String> = Vec::new();
        for (key, value) in written {
            let here = route.key(key);
            if operation
                .tags
                .as_ref()
                .is_some_and(|t| t.field == *key || format!("body.{}", t.field) == *key)
                && self.tags(operation, value, &here, replace_tags, &mut with)
            {
                continue;
            }
            if let Some(item) = operation.body_list.as_ref().filter(|_| key == "body") {
                let list = Field {
                    kind: Kind::List,
                    of: Some(Arc::new(item.clone())),
                    ..Field::default()
                };
                with.body = self.mapping(&list, value, &here, key);
                continue;
            }
            match operation.field(key) {
                Ok((slot, name, field)) => {
                    let name = name.to_owned();
                    present.push((slot, name.clone()));
                    let field = field.clone();
                    let mapping = match (&field.by_name, value) {
                        (Some(by_name), Value::Object(named)) => {
                            self.named_fields(&operation.app, by_name, named, &here)
                        }
                        _ => self.input(slot, &name, &field, value, &here),
                    };
                    if let Some(mapping) = mapping {
                        with.inputs.push(Input { slot, name, mapping });
                    }
                }
                Err(FieldError::Several(first, second)) => {
                    self.sink.say(diagnostic::ambiguous_field(
                        &here,
                        key,
                        first.name(),
                        second.name(),
                    ));
                }
                Err(FieldError::Unknown) if operation.body_unknown => {
                    let name = key.strip_prefix("body.").unwrap_or(key).to_owned();
                    if let Some(mapping) = self.mapping(&Field::any(), value, &here, key) {
                        with.inputs.push(Input { slot: Slot::Body, name, mapping });
                    }
                }
                Err(FieldError::Unknown) => meant.extend(self.unknown_field(operation, key, &here)),
            }
        }
        self.missing_fields(operation, &present, &meant, step, with.body.is_some());
        with
    }

    /// Says so, and gives back the field that was most likely meant.
    fn unknown_field(&mut self, operation: &Operation, key: &str, here: &Route) -> Option<String> {
        if let Some(instead) = operation.refused.get(key) {
            self.sink.say(diagnostic::refused_field(here, key, instead));
            return None;
        }
        let near = nearest(key, operation.fields().map(|(_, name, _)| name.as_str()));
        self.sink.say(diagnostic::unknown_field(here, key, &operation.call, near.clone()));
        near
    }

    fn input(
        &mut self,
        slot: Slot,
        name: &str,
        field: &Field,
        value: &Value,
        here: &Route,
    ) -> Option<Mapping> {
        // Everything in an address is text in the end: numbers and true/false are welcome there.
        let field = match slot {
            Slot::Path | Slot::Query if field.kind == Kind::String && field.format.is_none() => {
                Field { kind: Kind::Any, ..field.clone() }
            }
            _ => field.clone(),
        };
        if slot == Slot::Path && value.as_str().is_some_and(|v| !Template::has_template(v)) {
            let written = self.literal_text(value, here);
            if let Err(error) = crate::call::check_path_value(&written) {
                self.sink.say(diagnostic::bad_path_value(here, name, &error.to_string()));
                return None;
            }
        }
        let required = slot == Slot::Path || (field.required && field.usual.is_none());
        self.last_type = None;
        let mapping = self.mapping_of(&field, value, here, name, required)?;
        let whole = match (slot, &self.last_type) {
            (Slot::Path, Some(typed)) => matches!(typed.kind, Kind::Object | Kind::List),
            (Slot::Query, Some(typed)) => typed.kind == Kind::Object,
            _ => false,
        };
        if let Some(typed) = self.last_type.take().filter(|_| whole) {
            self.sink.say(diagnostic::whole_thing(here, name, typed.kind));
            return None;
        }
        Some(mapping)
    }

    fn missing_fields(
        &mut self,
        operation: &Operation,
        present: &[(Slot, String)],
        meant: &[String],
        step: &Route,
        has_body: bool,
    ) {
        let with = step.key("with");
        if self.file.is_broken(&with) {
            return;
        }
        let is_there = |slot: Slot, name: &str| {
            present.iter().any(|(s, n)| *s == slot && n == name) || meant.iter().any(|n| n == name)
        };
        for (slot, name, field) in operation.fields() {
            let wanted = (slot == Slot::Path || field.required) && field.usual.is_none();
            if wanted && !is_there(slot, name) && !self.file.is_broken(&with.key(name)) {
                self.sink.say(diagnostic::missing_field(
                    step,
                    self.file.document.has(&with),
                    &operation.call,
                    name,
                    &field.about,
                ));
            }
        }
        if operation.body_list.is_some() && !has_body {
            self.sink.say(diagnostic::missing_body_list(step));
        }
        if !operation.one_of.is_empty() && !operation.one_of.iter().any(|n| is_there(Slot::Body, n))
        {
            self.sink.say(diagnostic::missing_one_of(step, &operation.one_of));
        }
    }

    /// `tags: { add: […], remove: […] }`. Returns false for a plain list that is welcome.
    fn tags(
        &mut self,
        operation: &Arc<Operation>,
        value: &Value,
        here: &Route,
        replace_tags: bool,
        with: &mut With,
    ) -> bool {
        let Some(shape) = operation.tags.clone() else { return false };
        let Value::Object(change) = value else {
            let wipes = shape.full_list == crate::catalog::FullList::Replaces;
            if wipes && !replace_tags {
                self.sink.say(diagnostic::replaces_tags(here, &operation.call));
                return true;
            }
            return false;
        };
        for key in change.keys().filter(|k| !matches!(k.as_str(), "add" | "remove")) {
            let near = match key.as_str() {
                "delete" | "drop" => Some("remove".to_owned()),
                "set" | "append" => Some("add".to_owned()),
                _ => nearest(key, ["add", "remove"]),
            };
            self.sink.say(diagnostic::unknown_tag_change(&here.key(key), key, near));
        }
        let tags = Field {
            kind: Kind::List,
            of: Some(Arc::new(Field { kind: Kind::String, ..Field::default() })),
            ..Field::default()
        };
        let part = |checker: &mut Self, key: &str, id: &str| {
            let value = change.get(key)?;
            let mapping = checker.mapping(&tags, value, &here.key(key), key)?;
            Some((checker.catalog.sibling(operation, id)?, mapping))
        };
        with.tags = Some(TagChange {
            add: part(self, "add", &shape.add),
            remove: part(self, "remove", &shape.remove),
            record: shape.contact,
        });
        true
    }

    /// A value in a recipe, against the field it goes to.
    pub(super) fn mapping(
        &mut self,
        field: &Field,
        value: &Value,
        here: &Route,
        name: &str,
    ) -> Option<Mapping> {
        self.mapping_of(field, value, here, name, false)
    }

    pub(super) fn mapping_of(
        &mut self,
        field: &Field,
        value: &Value,
        here: &Route,
        name: &str,
        required: bool,
    ) -> Option<Mapping> {
        let place = self.place(here);
        let content = match value {
            Value::String(text) if Template::has_template(text) => {
                let (template, typed) =
                    super::template::text(text, here, &mut self.known, self.sink)?;
                self.fits(field, &template, &typed, here, name, required);
                Content::Template(template)
            }
            Value::Array(items) if matches!(field.kind, Kind::List | Kind::Any) => {
                let any = Field::any();
                let of = field.of.as_deref().unwrap_or(&any);
                let mut list = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    list.push(self.mapping_of(of, item, &here.item(at), name, false)?);
                }
                Content::List(list)
            }
            Value::Object(map) if matches!(field.kind, Kind::Object | Kind::Any) => {
                self.object(field, map, here)?
            }
            literal => {
                if let Some(inner) = literal.as_str().and_then(|text| self.bare_name(text)) {
                    self.sink.say(diagnostic::looks_like_template(here, inner));
                }
                let literal = match (field.kind, literal) {
                    // A literal for a text field is its text: 02134, NO, 1.10.
                    (Kind::String, Value::Number(_) | Value::Bool(_)) => {
                        Value::from(self.literal_text(literal, here))
                    }
                    _ => literal.clone(),
                };
                if literal.is_null() {
                    self.sink.say(diagnostic::null_literal(here, name, self.file.written(here)));
                    return None;
                }
                let fit = Fit::convert(field, &literal, &Defaults::default());
                for misfit in &fit.misfits {
                    self.misfit(here, name, misfit);
                }
                if !fit.misfits.is_empty() {
                    return None;
                }
                // Converted when it is sent: the defaults belong to the project, not to the recipe.
                Content::Literal(literal)
            }
        };
        Some(Mapping { place, content })
    }

    fn object(&mut self, field: &Field, map: &Map<String, Value>, here: &Route) -> Option<Content> {
        let mut entries = Vec::new();
        let any = Field::any();
        for (key, value) in map {
            let inner_route = here.key(key);
            let inner = match &field.fields {
                None => &any,
                Some(fields) => match fields.get(key) {
                    Some(inner) => inner,
                    None if field.open => &any,
                    None => {
                        let near = nearest(key, fields.keys().map(String::as_str));
                        let last = here.last().unwrap_or_default();
                        let holder = match (last.parse::<usize>(), here.parent()) {
                            (Ok(_), Some(list)) => list.last().unwrap_or_default(),
                            _ => last,
                        };
                        self.sink.say(diagnostic::unknown_inner_field(
                            &inner_route,
                            key,
                            &holder,
                            near,
                        ));
                        continue;
                    }
                },
            };
            if let Some(mapping) = self.mapping_of(inner, value, &inner_route, key, inner.required)
            {
                entries.push((key.clone(), mapping));
            }
        }
        for (key, inner) in field.fields.iter().flat_map(|f| f.iter()) {
            if inner.required && inner.usual.is_none() && !map.contains_key(key) {
                self.sink.say(diagnostic::missing_inner_field(here, key));
            }
        }
        Some(Content::Object(entries))
    }

    /// Whether what a template gives can stand in a field.
    fn fits(
        &mut self,
        field: &Field,
        template: &Template,
        typed: &Typed,
        here: &Route,
        name: &str,
        required: bool,
    ) {
        let presence = if typed.may_be_empty { Presence::Sometimes } else { Presence::Always };
        self.last_type =
            Some(Field { presence, required: false, usual: None, ..typed.field.clone() });
        if typed.clears && !field.nullable && field.kind != Kind::Any {
            self.sink.say(diagnostic::cannot_be_blanked(here, name));
        }
        let gives = typed.field.kind;
        // A text that holds a number converts; everything else keeps its type.
        let converts = gives == Kind::String && matches!(field.kind, Kind::Number | Kind::Integer);
        if !gives.fits(field.kind) && !converts {
            self.sink.say(diagnostic::wrong_type(
                here,
                name,
                field.kind,
                gives,
                template.is_whole(),
            ));
            return;
        }
        if required && typed.may_be_empty && !typed.clears {
            self.sink.say(diagnostic::may_be_empty_required(here, name, template.source()));
        }
    }

    pub(super) fn misfit(&mut self, here: &Route, name: &str, misfit: &Misfit) {
        let mut at = here.clone();
        for part in misfit.at.pointer().split('/').skip(1) {
            at = at.key(&part.replace("~1", "/").replace("~0", "~"));
        }
        let diagnostic = match &misfit.kind {
            MisfitKind::Type => diagnostic::literal_type(&at, name, &misfit.error),
            MisfitKind::Option { near } => {
                diagnostic::wrong_option(&at, name, &misfit.error, near.clone())
            }
            MisfitKind::Null => diagnostic::null_literal(&at, name, self.file.written(&at)),
            MisfitKind::Missing(_) | MisfitKind::Unknown { .. } | MisfitKind::Form => {
                diagnostic::wrong_form(&at, name, &misfit.error)
            }
        };
        self.sink.say(diagnostic);
    }

    /// `event.email` or `{ event.email }` as a whole value: a template without its braces.
    fn bare_name<'t>(&self, text: &'t str) -> Option<&'t str> {
        let inner = text.trim();
        let single = inner.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
        let inner = single.unwrap_or(inner).trim();
        let root = inner.split('.').next().unwrap_or_default();
        let is_root = matches!(root, "event" | "settings" | "steps" | "item" | "trigger");
        let is_path = inner.contains('.')
            && inner.split('.').all(|part| {
                !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_')
            });
        (is_root && is_path).then_some(inner)
    }

    /// A scalar as it is written in the file, without quotes.
    fn literal_text(&self, value: &Value, here: &Route) -> String {
        match value {
            Value::String(text) => text.clone(),
            _ => self.file.written(here).to_owned(),
        }
    }
}
