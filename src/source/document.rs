//! YAML text → values, each with the place it was written at.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_yaml::{Location, Spanned};

use super::{Route, Source, Span};

/// The deepest nesting of a document.
const MAX_DEPTH: usize = 64;
/// The most values in a document.
const MAX_NODES: usize = 50_000;

/// A YAML text as a JSON value, with a span for every key and every value.
#[derive(Clone, Debug)]
pub struct Document {
    value: Value,
    places: HashMap<Route, Place>,
}

#[derive(Clone, Debug)]
struct Place {
    key: Option<Span>,
    value: Span,
}

/// Why a text is not a YAML document: what the reader met, and where.
#[derive(Clone, Debug)]
pub struct SyntaxError {
    pub kind: SyntaxKind,
    pub span: Span,
}

/// The ways a YAML text can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyntaxKind {
    /// Nothing but white space and comments.
    Empty,
    DuplicateKey(String),
    TooDeep,
    TooManyValues,
    Alias,
    SeveralDocuments,
    Tag,
    /// Whatever else the reader says, in its words.
    Other(String),
}

impl Document {
    /// Reads one YAML document.
    pub fn parse(source: &Source) -> Result<Document, SyntaxError> {
        if source.text().lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#')) {
            return Err(SyntaxError { kind: SyntaxKind::Empty, span: 0..0 });
        }
        if let Some(at) = too_deep(source.text()) {
            return Err(SyntaxError { kind: SyntaxKind::TooDeep, span: at..at + 1 });
        }
        let options = serde_yaml::options! {
            strict_booleans: true,
            leading_zero_numbers_as_strings: true,
            underscored_numbers_as_strings: true,
            reject_unsupported_tags: true,
            merge_keys: serde_yaml::MergeKeyPolicy::Error,
            duplicate_keys: serde_yaml::DuplicateKeyPolicy::Error,
            with_snippet: false,
            budget: serde_yaml::budget! {
                max_nodes: MAX_NODES,
                max_depth: MAX_DEPTH,
                max_documents: 1,
                max_aliases: 0,
                max_anchors: 0,
            },
        };
        let node: Spanned<Node> = serde_yaml::from_str_with_options(source.text(), options)
            .map_err(|e| syntax_error(source, &e))?;
        let mut places = HashMap::new();
        let value = collect(source, node, Route::root(), None, &mut places);
        Ok(Document { value, places })
    }

    /// The whole document as a JSON value.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Where the value at `route` is written; of the nearest place above it, where it is not.
    pub fn value_span(&self, route: &Route) -> Span {
        self.nearest(route).map_or(0..0, |place| place.value.clone())
    }

    /// Where the key of `route` is written; its value, where it has none (an item of a list).
    pub fn key_span(&self, route: &Route) -> Span {
        self.nearest(route)
            .map_or(0..0, |place| place.key.clone().unwrap_or_else(|| place.value.clone()))
    }

    /// Whether something is written at exactly this place.
    pub fn has(&self, route: &Route) -> bool {
        self.places.contains_key(route)
    }

    fn nearest(&self, route: &Route) -> Option<&Place> {
        let mut route = route.clone();
        loop {
            if let Some(place) = self.places.get(&route) {
                return Some(place);
            }
            route = route.parent()?;
        }
    }
}

/// The reader recurses: text that nests absurdly deep in brackets or by indentation is refused
/// before it gets there. Returns the offset where it becomes too deep.
fn too_deep(text: &str) -> Option<usize> {
    const FAR_TOO_DEEP: usize = 512;
    let (mut depth, mut run) = (0usize, 0usize);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            // `- - - -` nests a list in a list.
            b'-' | b'?' => run += 1,
            b' ' => {}
            b'\n' => (depth, run) = (depth, 0),
            _ => run = 0,
        }
        if depth > FAR_TOO_DEEP || (run > FAR_TOO_DEEP && text[..at].ends_with("- ")) {
            return Some(at);
        }
    }
    None
}

fn syntax_error(source: &Source, error: &serde_yaml::Error) -> SyntaxError {
    use serde_yaml::Error as E;
    let error = error.without_snippet();
    let span = error.location().map_or(0..0, |l| span_of(source, &l));
    let text = error.to_string();
    let kind = match error {
        E::DuplicateMappingKey { key, .. } => {
            SyntaxKind::DuplicateKey(key.clone().unwrap_or_else(|| source.slice(&span).to_owned()))
        }
        E::MultipleDocuments { .. } => SyntaxKind::SeveralDocuments,
        E::UnsupportedTag { .. } => SyntaxKind::Tag,
        E::UnknownAnchor { .. } | E::MergeKeyNotAllowed { .. } => SyntaxKind::Alias,
        E::Budget { .. } if text.contains("Depth") => SyntaxKind::TooDeep,
        E::Budget { .. } if text.contains("Alias") || text.contains("Anchor") => SyntaxKind::Alias,
        E::Budget { .. } if text.contains("Documents") => SyntaxKind::SeveralDocuments,
        E::Budget { .. } => SyntaxKind::TooManyValues,
        E::Eof { .. } => SyntaxKind::Empty,
        _ => SyntaxKind::Other(plain(&text)),
    };
    SyntaxError { kind, span }
}

/// The reader's words without its own "at line 3, column 5", which the frame shows.
fn plain(text: &str) -> String {
    let text = text.lines().next().unwrap_or(text);
    let text = text.split(" at line ").next().unwrap_or(text);
    text.trim_end_matches([':', ',', ' ']).to_owned()
}

fn span_of(source: &Source, location: &Location) -> Span {
    let span = location.span();
    if let (Some(start), Some(len)) = (span.byte_offset(), span.byte_len()) {
        let (start, len) = (start as usize, len as usize);
        let end = (start + len).min(source.text().len());
        return start.min(end)..end;
    }
    let line = source.line_span(location.line() as usize);
    let start = source.text()[line.clone()]
        .char_indices()
        .nth((location.column() as usize).saturating_sub(1))
        .map_or(line.end, |(at, _)| line.start + at);
    start..(start + 1).min(source.text().len()).max(start)
}

fn collect(
    source: &Source,
    node: Spanned<Node>,
    route: Route,
    key: Option<Span>,
    places: &mut HashMap<Route, Place>,
) -> Value {
    let mut span = span_of(source, &node.referenced);
    let value = match node.value {
        Node::Leaf(value) => value,
        Node::List(items) => Value::Array(
            items
                .into_iter()
                .enumerate()
                .map(|(at, item)| {
                    let value = collect(source, item, route.item(at), None, places);
                    span.end = span.end.max(places[&route.item(at)].value.end);
                    value
                })
                .collect(),
        ),
        Node::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let inner = route.key(&key.value);
                let key_span = span_of(source, &key.referenced);
                let value = collect(source, value, inner.clone(), Some(key_span), places);
                span.end = span.end.max(places[&inner].value.end);
                map.insert(key.value, value);
            }
            Value::Object(map)
        }
    };
    places.insert(route, Place { key, value: span });
    value
}

enum Node {
    Leaf(Value),
    List(Vec<Spanned<Node>>),
    Mapping(Vec<(Spanned<String>, Spanned<Node>)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        struct NodeVisitor;

        impl<'de> Visitor<'de> for NodeVisitor {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a YAML value")
            }
            fn visit_bool<E>(self, v: bool) -> Result<Node, E> {
                Ok(Node::Leaf(v.into()))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Node, E> {
                Ok(Node::Leaf(v.into()))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Node, E> {
                Ok(Node::Leaf(v.into()))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Node, E> {
                Ok(Node::Leaf(Number::from_f64(v).map_or(Value::Null, Value::Number)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Node, E> {
                Ok(Node::Leaf(v.into()))
            }
            fn visit_string<E>(self, v: String) -> Result<Node, E> {
                Ok(Node::Leaf(v.into()))
            }
            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Leaf(Value::Null))
            }
            fn visit_none<E>(self) -> Result<Node, E> {
                Ok(Node::Leaf(Value::Null))
            }
            fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Node, D::Error> {
                Node::deserialize(d)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Node::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
                let mut mapping = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    mapping.push(entry);
                }
                Ok(Node::Mapping(mapping))
            }
        }

        deserializer.deserialize_any(NodeVisitor)
    }
}
