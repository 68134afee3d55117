//! `hold`: a question, and answers that can be told apart.

use serde_json::Value;

use super::Checker;
use super::checked::CheckedHold;
use super::known::always;
use crate::diagnostic;
use crate::recipe::{Hold, Step};
use crate::source::Route;
use crate::template::Template;
use crate::value::Kind;

/// What a person answers to a question that names no choices.
const GO_ON: &str = "Go on";
const STOP_HERE: &str = "Stop here";

impl Checker<'_> {
    pub(super) fn hold(&mut self, hold: &Hold, step: &Step, here: &Route) -> Option<CheckedHold> {
        let route = here.key("hold");
        let at = match self.file.document.has(&route.key("text")) {
            true => route.key("text"),
            false => route.clone(),
        };
        if hold.text.trim().is_empty() {
            // A text that is missing or unreadable has had its message.
            if !self.file.is_touched(&route) && self.file.document.has(&at) && self.has_text(&at) {
                self.sink.say(diagnostic::empty_question(&at));
            }
            return None;
        }
        let text = Value::from(hold.text.as_str());
        let text = self.mapping(&always(Kind::String), &text, &at, "hold");
        let Some(choices) = &hold.choices else {
            let choices = vec![GO_ON.to_owned(), STOP_HERE.to_owned()];
            return Some(CheckedHold { text: text?, choices, stops: Some(STOP_HERE.to_owned()) });
        };
        let good = self.choices(choices, &route.key("choices"));
        if step.id.is_none() && choices.len() > 1 {
            self.sink.say(diagnostic::choice_unread(&route.key("choices")));
        }
        good.then_some(CheckedHold { text: text?, choices: choices.clone(), stops: None })
    }

    fn has_text(&self, route: &Route) -> bool {
        self.file.document.value().pointer(route.pointer()).is_some_and(Value::is_string)
    }

    fn choices(&mut self, choices: &[String], route: &Route) -> bool {
        if choices.is_empty() {
            if !self.file.is_touched(route) {
                self.sink.say(diagnostic::no_choices(route));
            }
            return false;
        }
        let mut good = true;
        for (at, choice) in choices.iter().enumerate() {
            let here = route.item(at);
            if self.file.is_touched(&here) {
                good = false;
            } else if choice.trim().is_empty() {
                self.sink.say(diagnostic::blank_choice(&here));
                good = false;
            } else if Template::has_template(choice) {
                self.sink.say(diagnostic::choice_with_template(&here));
                good = false;
            } else if choices[..at].contains(choice) {
                self.sink.say(diagnostic::same_choice(&here, choice));
                good = false;
            }
        }
        good
    }
}
