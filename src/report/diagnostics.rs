//! Diagnostics as text with frames, as JSON, and as annotations for GitHub.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};
use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::source::{Document, Source};

/// Everything found in one file.
#[derive(Clone)]
pub struct FileDiagnostics {
    pub source: Source,
    /// Absent when the text is not YAML.
    pub document: Option<Document>,
    /// In the order of the text.
    pub found: Vec<Diagnostic>,
}

impl FileDiagnostics {
    /// Adds what was found later, once and in its place.
    pub fn add(&mut self, diagnostic: Diagnostic) {
        if self.found.contains(&diagnostic) {
            return;
        }
        let start = |d: &Diagnostic| d.place.span(&self.source, self.document.as_ref()).start;
        let at = self.found.partition_point(|known| start(known) <= start(&diagnostic));
        self.found.insert(at, diagnostic);
    }

    /// How many of that severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.found.iter().filter(|d| d.severity == severity).count()
    }

    /// The first error in one line: its line and its message.
    pub fn first_error(&self) -> Option<String> {
        let first = self.found.iter().find(|d| d.severity == Severity::Error)?;
        let span = first.place.span(&self.source, self.document.as_ref());
        match first.place {
            Place::File => Some(first.message.clone()),
            _ => Some(format!("line {}: {}", self.source.position(span.start).line, first.message)),
        }
    }

    /// Without the text of a file that nothing is said about: a folder of a thousand stays small.
    pub fn without_spare(mut self) -> FileDiagnostics {
        if self.found.is_empty() {
            self.source = Source::new(self.source.name(), "");
            self.document = None;
        }
        self
    }

    /// As a person reads it: code, place, frame, plain words, what to write instead.
    pub fn text(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut out = String::new();
        for diagnostic in &self.found {
            out.push_str(&renderer.render(&self.groups(diagnostic)));
            out.push_str("\n\n");
        }
        out
    }

    fn groups<'a>(&'a self, diagnostic: &'a Diagnostic) -> Vec<Group<'a>> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let title = level.primary_title(&diagnostic.message).id(diagnostic.code.name());
        let span = diagnostic.place.span(&self.source, self.document.as_ref());
        let mut groups = vec![if diagnostic.place == Place::File {
            Group::with_title(title).element(Origin::path(self.source.name()))
        } else {
            title.element(
                Snippet::source(self.source.text())
                    .path(self.source.name())
                    .annotation(AnnotationKind::Primary.span(one_line(&self.source, span))),
            )
        }];
        let Some(help) = &diagnostic.help else { return groups };
        let title = Level::HELP.secondary_title(help.as_str());
        groups.push(match &diagnostic.fix {
            Some(fix) => {
                let span = fix.place.span(&self.source, self.document.as_ref());
                title.element(
                    Snippet::source(self.source.text())
                        .path(self.source.name())
                        .patch(Patch::new(span, fix.text.as_str())),
                )
            }
            None => Group::with_title(title),
        });
        groups
    }

    /// One object per diagnostic.
    pub fn json(&self) -> Vec<Value> {
        let place = |place: &Place| {
            let span = place.span(&self.source, self.document.as_ref());
            let (start, end) = (self.source.position(span.start), self.source.position(span.end));
            json!({
                "line": start.line, "column": start.column,
                "end_line": end.line, "end_column": end.column,
            })
        };
        let all = self.found.iter().map(|d| {
            let mut object = json!({
                "file": self.source.name(),
                "code": d.code.name(),
                "severity": d.severity.name(),
                "message": d.message,
                "place": place(&d.place),
            });
            if let Some(help) = &d.help {
                object["help"] = help.as_str().into();
            }
            if let Some(fix) = &d.fix {
                object["fix"] = json!({ "place": place(&fix.place), "text": fix.text });
            }
            object
        });
        all.collect()
    }

    /// Workflow commands that GitHub shows beside the changed lines.
    pub fn github(&self) -> String {
        let mut out = String::new();
        for d in &self.found {
            let level = match d.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "notice",
            };
            let span = d.place.span(&self.source, self.document.as_ref());
            let at = self.source.position(span.start);
            let message = match &d.help {
                Some(help) => format!("{}; {help}", d.message),
                None => d.message.clone(),
            };
            out.push_str(&format!(
                "::{level} file={},line={},col={},title={}::{}\n",
                property(self.source.name()),
                at.line,
                at.column,
                d.code,
                message.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A"),
            ));
        }
        out
    }
}

fn property(text: &str) -> String {
    text.replace('%', "%25").replace(',', "%2C").replace(':', "%3A")
}

/// A value of many lines is marked by its first: the frame stays small.
fn one_line(source: &Source, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let line = source.line_span(source.position(span.start).line);
    let end = span.end.min(line.end).max(span.start);
    span.start..end
}

/// "1 recipe checked: 2 errors" and the like; so many of the files are projects, and so many are about apps.
pub fn summary(files: &[FileDiagnostics], projects: usize, apps: usize) -> String {
    let count = |severity| files.iter().map(|f| f.count(severity)).sum::<usize>();
    let (errors, warnings, notes) =
        (count(Severity::Error), count(Severity::Warning), count(Severity::Note));
    let others = [(projects, "project"), (apps, "app")].into_iter().filter(|(count, _)| *count > 0);
    let others: Vec<String> = others.map(|(count, name)| plural(count, name)).collect();
    let recipes = plural(files.len() - projects - apps, "recipe");
    let what = match others.is_empty() {
        true => recipes,
        false => format!("{} and {recipes}", others.join(", ")),
    };
    let mut parts = Vec::new();
    for (count, name) in [(errors, "error"), (warnings, "warning"), (notes, "note")] {
        if count > 0 {
            parts.push(plural(count, name));
        }
    }
    match parts.is_empty() {
        true => format!("{what} checked: all good"),
        false => format!("{what} checked: {}", parts.join(", ")),
    }
}

/// `1 error`, `2 errors`
pub fn plural(count: usize, name: &str) -> String {
    match count {
        1 => format!("1 {name}"),
        _ => format!("{count} {name}s"),
    }
}
