//! Settings: is the default what the type says, and is every setting used?

use std::sync::Arc;

use indexmap::IndexMap;

use crate::catalog::{Field, Fit, Presence};
use crate::diagnostic::{self, Place};
use crate::recipe::Setting;
use crate::snapshot::PickKind;
use crate::source::Route;
use crate::value::{Defaults, Kind};

use super::Checker;
use super::checked::CheckedSetting;
use super::known::from_shape;

impl Checker<'_> {
    pub(super) fn settings(
        &mut self,
        settings: &IndexMap<String, Setting>,
    ) -> IndexMap<String, CheckedSetting> {
        let route = Route::root().key("settings");
        let mut checked = IndexMap::new();
        for (name, setting) in settings {
            let here = route.key(name);
            let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !good {
                self.sink.say(diagnostic::bad_setting_name(&here, name));
            }
            let pick = self.pick(setting, &here);
            let mut field = field_of(setting);
            if let Some(pick) = &pick {
                field.kind = Kind::String;
                if pick.kind == PickKind::CustomField {
                    self.known.field_picks.insert(name.clone());
                }
            }
            let mut default = setting.default.clone();
            if let Some(value) = &mut default {
                let at = here.key("default");
                if field.kind == Kind::String && (value.is_number() || value.is_boolean()) {
                    *value = self.file.written(&at).into();
                }
                let fit = Fit::convert(&field, value, &Defaults::default());
                for misfit in &fit.misfits {
                    let place = crate::diagnostic::nested(&at, &misfit.at);
                    self.sink.say(diagnostic::setting_default(&place, name, &misfit.error));
                }
                if let Some(pick) = &pick {
                    self.can_be_picked(pick, &fit.value, Place::Value(at));
                }
                default = Some(fit.value);
            }
            let ask = setting.ask.clone();
            checked.insert(name.clone(), CheckedSetting { field, ask, default, pick });
        }
        let fields = checked.iter().map(|(name, s)| (name.clone(), s.field.clone())).collect();
        self.known.settings =
            Field { presence: Presence::Always, ..Field::object(Arc::new(fields)) };
        if self.file.is_touched(&route) {
            self.known.settings = Field::any();
        }
        checked
    }

    pub(super) fn unused_settings(&mut self, settings: &IndexMap<String, Setting>) {
        // A recipe with errors may read it in the part that could not be understood.
        if self.sink.has_errors() {
            return;
        }
        let text = self.file.source.text();
        for name in settings.keys().filter(|n| !self.known.settings_read.contains(*n)) {
            // `settings[…]` with a computed name may mean any of them.
            if !text.contains("settings[") {
                self.sink.say(diagnostic::unused_setting(
                    &Route::root().key("settings").key(name),
                    name,
                ));
            }
        }
    }
}

/// A setting's type as the catalog would write it.
fn field_of(setting: &Setting) -> Field {
    let kind = match setting.kind {
        Kind::Any if setting.of.is_some() => Kind::List,
        Kind::Any if !setting.fields.is_empty() => Kind::Object,
        kind => kind,
    };
    let fields = (!setting.fields.is_empty()).then(|| {
        Arc::new(setting.fields.iter().map(|(n, s)| (n.clone(), required(from_shape(s)))).collect())
    });
    Field {
        kind,
        presence: Presence::Always,
        options: setting.options.clone(),
        of: setting.of.as_ref().map(|of| Arc::new(all_required(from_shape(of)))),
        fields,
        ..Field::default()
    }
}

fn required(field: Field) -> Field {
    Field { required: true, ..field }
}

/// Every field of an item has to be filled in.
fn all_required(field: Field) -> Field {
    let fields = field.fields.as_ref().map(|fields| {
        Arc::new(
            fields.iter().map(|(name, inner)| (name.clone(), required(inner.clone()))).collect(),
        )
    });
    Field { fields, ..field }
}
