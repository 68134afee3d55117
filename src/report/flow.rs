//! A checked recipe as a picture: its trigger, its steps from top to bottom, and where it may end early.

use super::explain::{condition, title};
use crate::catalog::{Catalog, Effect};
use crate::check::{Action, CheckedRecipe, CheckedStep, Each, TriggerKind};

/// One box.
struct Node {
    depth: usize,
    /// What has to hold, or what is gone over.
    condition: Option<String>,
    text: String,
    look: Look,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Trigger,
    Read,
    Write,
    Inner,
    Stop,
}

/// The steps of a recipe in the order in which they come.
pub struct Flow {
    name: String,
    nodes: Vec<Node>,
}

/// Of one line of text in a box; in characters.
const LINE: usize = 58;
const WIDTH: usize = 460;
const INDENT: usize = 36;
const LINE_HEIGHT: usize = 18;

impl Flow {
    pub fn of(recipe: &CheckedRecipe, catalog: &Catalog) -> Flow {
        let trigger = match &recipe.trigger.kind {
            TriggerKind::Webhook => {
                let titles = recipe
                    .trigger
                    .events
                    .iter()
                    .map(|event| format!("{}: {}", title(catalog, &event.app), event.title));
                titles.collect::<Vec<_>>().join(", or ")
            }
            TriggerKind::Schedule(schedule) => format!("At the times {}", schedule.times.cron),
            TriggerKind::Poll(poll) => format!("Records of {}", poll.call.operation.call),
        };
        let when = recipe.trigger.when.as_ref();
        let condition = when.map(|(_, when)| format!("only if {}", condition(when)));
        let first = Node { depth: 0, condition, text: trigger, look: Look::Trigger };
        let mut flow = Flow { name: recipe.name.clone(), nodes: vec![first] };
        flow.steps(&recipe.steps, 0, catalog);
        flow
    }

    fn steps(&mut self, steps: &[CheckedStep], depth: usize, catalog: &Catalog) {
        for step in steps {
            let when = step.when.as_ref().map(|(_, when)| format!("if {}", condition(when)));
            let each = step.for_each.as_ref().map(|each| match each {
                Each::Expression(_, over) => format!("for each of {}", condition(over)),
                Each::List(items) => format!("for each of {} values", items.len()),
            });
            let conditions: Vec<String> = when.into_iter().chain(each).collect();
            let condition = (!conditions.is_empty()).then(|| conditions.join(", "));
            let (text, look) = match &step.action {
                Action::Call(call) => {
                    let operation = &call.operation;
                    let app = title(catalog, &operation.app);
                    let look = match operation.effect {
                        Effect::Read => Look::Read,
                        _ => Look::Write,
                    };
                    (format!("{app}: {}", operation.title), look)
                }
                Action::Set(values) => {
                    let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
                    (format!("Remember {}", names.join(", ")), Look::Inner)
                }
                Action::Wait(_) => ("Wait".to_owned(), Look::Inner),
                Action::Hold(hold) => {
                    (format!("Ask a person: {}", hold.choices.join(" / ")), Look::Inner)
                }
                Action::Stop(_) => ("Stop".to_owned(), Look::Stop),
                Action::Link(link) => {
                    let kinds: Vec<&str> = link.records.iter().map(|r| r.kind.as_str()).collect();
                    let word = if link.ends { "Unlink" } else { "Link" };
                    (format!("{word} {}", kinds.join(" and ")), Look::Inner)
                }
                Action::Group(_) => ("Do this:".to_owned(), Look::Inner),
                Action::Use(used) => (format!("Do what {} says:", used.file), Look::Inner),
            };
            self.nodes.push(Node { depth, condition, text, look });
            self.steps(step.inner(), depth + 1, catalog);
        }
    }

    /// As Mermaid takes it: a flowchart from top to bottom.
    pub fn mermaid(&self) -> String {
        let mut text = format!("---\ntitle: {}\n---\nflowchart TD\n", quoted(&self.name));
        for (number, node) in self.nodes.iter().enumerate() {
            let words = mermaid_text(&node.text);
            let shape = match node.look {
                Look::Trigger => format!("([\"{words}\"])"),
                Look::Stop => format!("((\"{words}\"))"),
                _ => format!("[\"{words}\"]"),
            };
            text.push_str(&format!("  n{number}{shape}\n"));
        }
        let mut from: Option<usize> = None;
        for (number, node) in self.nodes.iter().enumerate() {
            if let Some(before) = from {
                let label = match &node.condition {
                    Some(condition) => format!("|\"{}\"|", mermaid_text(condition)),
                    None => String::new(),
                };
                text.push_str(&format!("  n{before} -->{label} n{number}\n"));
            }
            // What comes behind a stop comes there from before it.
            if node.look != Look::Stop {
                from = Some(number);
            }
        }
        text
    }

    /// A picture on its own.
    pub fn svg(&self) -> String {
        let mut boxes = String::new();
        let mut y = 56;
        let deepest = self.nodes.iter().map(|node| node.depth).max().unwrap_or(0);
        let width = WIDTH + deepest * INDENT + 40;
        for (number, node) in self.nodes.iter().enumerate() {
            let x = 20 + node.depth * INDENT;
            let conditions = node.condition.iter().flat_map(|condition| wrapped(condition));
            let conditions: Vec<String> = conditions.collect();
            let lines = wrapped(&node.text);
            if number > 0 {
                let top = y - 22;
                boxes.push_str(&format!(
                    "<path class=\"way\" d=\"M{0} {top} V{1}\" marker-end=\"url(#tip)\"/>\n",
                    x + 24,
                    y - 3,
                ));
            }
            let height = (conditions.len() + lines.len()) * LINE_HEIGHT + 14;
            let class = match node.look {
                Look::Trigger => "trigger",
                Look::Read => "read",
                Look::Write => "write",
                Look::Inner => "inner",
                Look::Stop => "stop",
            };
            boxes.push_str(&format!(
                "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n"
            ));
            let all = conditions.iter().map(|line| ("condition", line));
            let all = all.chain(lines.iter().map(|line| ("text", line)));
            for (at, (class, line)) in all.enumerate() {
                let (x, y) = (x + 14, y + 20 + at * LINE_HEIGHT);
                let line = escaped(line);
                boxes.push_str(&format!(
                    "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{line}</text>\n"
                ));
            }
            y += height + 24;
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {y}\" width=\"{width}\" height=\"{y}\" role=\"img\">\n\
             <title>{title}</title>\n{STYLE}<text class=\"title\" x=\"20\" y=\"32\">{title}</text>\n{boxes}</svg>\n",
            title = escaped(&self.name),
        )
    }
}

const STYLE: &str = "<style>\n\
    svg { background: #fff; font-family: system-ui, sans-serif; font-size: 13px }\n\
    .title { font-size: 16px; font-weight: 600 } .condition { font-style: italic; fill: #555 }\n\
    rect { stroke: #888; fill: #fff } .trigger { fill: #fff3d6 } .read { fill: #e8f1fb } .write { fill: #e3f5e6 }\n\
    .stop { fill: #fbe6e6 } .way { stroke: #888; fill: none }\n\
    </style>\n\
    <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
    <path d=\"M0 0 L8 4 L0 8 z\" fill=\"#888\"/></marker></defs>\n";

/// Lines of about the same length, broken between words; a word that is too long is broken too.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for piece in letters.chunks(LINE) {
            let piece: String = piece.iter().collect();
            let line = lines.last_mut().expect("there is always one");
            let length = line.chars().count() + 1 + piece.chars().count();
            match line.is_empty() {
                true => line.push_str(&piece),
                false if length <= LINE => line.push_str(&format!(" {piece}")),
                false => lines.push(piece),
            }
        }
    }
    lines
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

fn mermaid_text(text: &str) -> String {
    let text = text.replace('&', "#amp;").replace('"', "#quot;").replace('<', "#lt;");
    text.replace('>', "#gt;").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text of YAML, in quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_long_words_too() {
        assert_eq!(wrapped("short"), ["short"]);
        assert!(wrapped(&"word ".repeat(60)).iter().all(|line| line.chars().count() <= LINE));
        assert_eq!(wrapped(&"é".repeat(LINE + 1)).len(), 2);
        assert_eq!(wrapped(""), [""]);
    }
}
