//! The kinds of things that an account names by itself.

use serde::{Deserialize, Serialize};

use super::PickKind;

/// A kind of thing that an account names by itself.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    #[default]
    CustomFields,
    Users,
    /// With their stages.
    Pipelines,
    Calendars,
    Workflows,
    Campaigns,
    Tags,
}

impl Part {
    pub const ALL: [Part; 7] = [
        Part::CustomFields,
        Part::Users,
        Part::Pipelines,
        Part::Calendars,
        Part::Workflows,
        Part::Campaigns,
        Part::Tags,
    ];

    /// As `pull` of the catalog writes it: `custom_fields`.
    pub fn word(self) -> &'static str {
        match self {
            Part::CustomFields => "custom_fields",
            Part::Users => "users",
            Part::Pipelines => "pipelines",
            Part::Calendars => "calendars",
            Part::Workflows => "workflows",
            Part::Campaigns => "campaigns",
            Part::Tags => "tags",
        }
    }

    pub fn from_word(word: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.word() == word)
    }

    /// As a person says it, for one: `custom field`.
    pub fn one(self) -> &'static str {
        self.picked().in_words()
    }

    /// As a person says it, for several: `custom fields`.
    pub fn several(self) -> &'static str {
        match self {
            Part::CustomFields => "custom fields",
            other => other.word(),
        }
    }

    /// What a setting picks of it.
    pub(super) fn picked(self) -> PickKind {
        match self {
            Part::CustomFields => PickKind::CustomField,
            Part::Users => PickKind::User,
            Part::Pipelines => PickKind::Pipeline,
            Part::Calendars => PickKind::Calendar,
            Part::Workflows => PickKind::Workflow,
            Part::Campaigns => PickKind::Campaign,
            Part::Tags => PickKind::Tag,
        }
    }
}
